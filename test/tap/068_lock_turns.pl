# How long the graph lock is held: VACUUM, cleanup, linking and giving back the end of the
# file beside insertions. Prints the longest holding of each, of as many elements as
# HNSWPG_TURN_ELEMENTS says (HNSWPG_TURN_ELEMENTS=1000000 for what a large index has).
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $elements = $ENV{HNSWPG_TURN_ELEMENTS} // 10000;
my $pending = int($elements / 5);
my $node = PostgreSQL::Test::Cluster->new('lock_turns');
$node->init;
$node->append_conf('postgresql.conf',
	"autovacuum = off\nhnsw.sync_interval = 0\nmaintenance_work_mem = 1GB\nmax_wal_size = 8GB\nfsync = off\n");
$node->start;
sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql, timeout => 3600); }
sql(qq{
	CREATE EXTENSION hnswpg;
	ALTER DATABASE postgres SET log_min_messages = debug1;
	ALTER DATABASE postgres SET log_min_error_statement = debug1;
	CREATE TABLE t (id int, v vector(4));
	INSERT INTO t SELECT i, ARRAY[random(), random(), random(), random()]::vector FROM generate_series(1, $elements) i;
	SET effective_cache_size = 1;  -- slots in the order of rows
	CREATE INDEX t_idx ON t USING hnsw (v vector_l2_ops) WITH (m = 6, ef_construction = 24);
});

# Those who wait for the lock all the time.
my $script = "$PostgreSQL::Test::Utils::tmp_check/turns.sql";
append_to_file($script, q{
INSERT INTO t VALUES (0, ARRAY[random(), random(), random(), random()]::vector);
});
my @bench = ('pgbench', '-n', '-c', 2, '-f', $script, '-h', $node->host, '-p', $node->port);

# Runs the statement beside insertions. Returns the longest holding that its session and
# the inserters' reported, in milliseconds.
sub longest
{
	my ($sql, $what) = @_;
	my $offset = -s $node->logfile;
	my ($out, $err) = ('', '');
	local $ENV{PGOPTIONS} = '-c hnsw.pending_limit=0';
	my $inserting = IPC::Run::start([ @bench, '-T', 36000, 'postgres' ], '>', \$out, '2>', \$err);
	$node->poll_query_until('postgres', 'SELECT count(*) > 20 FROM t WHERE id = 0') or die 'no insertions';
	$ENV{PGOPTIONS} = '';
	sql($sql);
	$inserting->signal('TERM');
	$inserting->finish;
	my $log = slurp_file($node->logfile, $offset);
	my ($of_it, $of_inserters) = (0, 0);
	while ($log =~ /held the graph lock of index "t_idx" for ([\d.]+) ms\n.*?STATEMENT:  (.*)/g)
	{
		my $longest = $2 =~ /^INSERT INTO t VALUES \(0/ ? \$of_inserters : \$of_it;
		$$longest = $1 if $1 > $$longest;
	}
	note(sprintf '%-28s %9.3f ms (insertions %.3f ms) at %d elements', $what, $of_it, $of_inserters, $elements);
	return $of_it;
}

my %longest;
sub measure { my ($what, $sql) = @_; $longest{$what} = longest($sql, $what); return; }

sql("DELETE FROM t WHERE id % 4 = 0 AND id > 0");
measure('VACUUM of linked elements', 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) t');
measure('cleanup', q{SELECT hnsw_cleanup('t_idx')});
sql(qq{SET hnsw.pending_limit = 2147483647;
	INSERT INTO t SELECT $elements + i, ARRAY[random(), random(), random(), random()]::vector FROM generate_series(1, $pending) i;
	DELETE FROM t WHERE id > $elements});
measure('VACUUM of pending elements', 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) t');
measure('linking', q{SELECT hnsw_sync('t_idx')});
sql("DELETE FROM t WHERE id > $elements / 2");
sql('VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) t');
measure('cleanup of half', q{SELECT hnsw_cleanup('t_idx')});
measure('giving back', 'VACUUM t');
my ($worst) = sort { $longest{$b} <=> $longest{$a} } keys %longest;
diag(sprintf 'longest holding of the graph lock at %d elements: %.3f ms (%s)', $elements, $longest{$worst}, $worst);

# A holding is a turn and a step. A machine with other work to do may stop either for as
# long as its scheduler likes, so this is a bound for what grows with the index.
cmp_ok($longest{'cleanup'}, '>', 0, 'a process says how long it held the lock');
cmp_ok($longest{$worst}, '<', 2000, 'no holding is long');
is(sql(q{SELECT * FROM hnsw_check('t_idx', heapcheck => true)}), '', 'the index is sound');
$node->stop;
done_testing();
