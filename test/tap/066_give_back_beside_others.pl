# VACUUM gives the end of the file back beside those who use the index: free slots leave
# the free list while others read and insert, what is done stays done, and the lock that
# stops everybody is held for nothing but the cut.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFile;

my $node = PostgreSQL::Test::Cluster->new('give_back_beside');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf',
	"autovacuum = off\nmax_parallel_maintenance_workers = 0\nhnsw.sync_interval = 0\n");
$node->start;
sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }
sql(q{
	CREATE EXTENSION hnswpg;
	CREATE FUNCTION vec(i int, n int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	  $$SELECT array_agg((sin(i * 12.9898 + j * 78.233) * 10)::real)::vector FROM generate_series(1, n) j$$;
	SET effective_cache_size = 1;  -- slots in the order of rows: CREATE INDEX leaves them so
	CREATE TABLE t (id int, v vector(16));
	INSERT INTO t SELECT i, vec(i, 16) FROM generate_series(1, 8000) i;
	CREATE INDEX t_idx ON t USING hnsw (v vector_l2_ops) WITH (quantization = int8, m = 4, ef_construction = 20);
	CREATE TABLE s (id int, v vector(4));
	INSERT INTO s SELECT i, vec(i, 4) FROM generate_series(1, 30000) i;
	CREATE INDEX s_idx ON s USING hnsw (v vector_l2_ops) WITH (quantization = int8, m = 4, ef_construction = 10);
});

sub size { my ($index) = @_; return sql("SELECT pg_relation_size('$index')"); }
sub free { my ($index) = @_; return sql("SELECT free FROM hnsw_status('$index')"); }
sub remove
{
	my ($table, $where) = @_;
	sql("DELETE FROM $table WHERE $where");
	sql("VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) $table");
	sql("SELECT hnsw_cleanup('${table}_idx')");
	return;
}
sub sound
{
	my ($index, $when) = @_;
	is(sql("SELECT * FROM hnsw_check('$index', heapcheck => true)"), '', "$when: the index is sound");
	return;
}

# The version of a slot, from the file.
sub version
{
	my ($slot) = @_;
	my $path = $node->data_dir . '/' . sql(q{SELECT pg_relation_filepath('t_idx')});
	sql('CHECKPOINT');
	return HnswFile->new($path)->slot($slot, 'version');
}

# --- somebody uses the index ---
my $full = size('t_idx');
remove('t', 'id > 3000');
is(free('t_idx'), 5000, 'slots at the end are free');
my $before = version(3500);
my $session = $node->background_psql('postgres', on_error_stop => 1);
$session->query_safe('SET enable_seqscan = off; BEGIN; SELECT id FROM t ORDER BY v <-> vec(0, 16) LIMIT 1');
sql('VACUUM t');
is(size('t_idx'), $full, 'the file is not cut while the index is in use');
is(free('t_idx'), 0, 'the slots have left the free list all the same');
sound('t_idx', 'off the list');

# Slots that count as never used again have another version than in their life before: what
# was noted of that one does not fit.
sql('INSERT INTO t SELECT i, vec(i, 16) FROM generate_series(10001, 11000) i');
sound('t_idx', 'inserted over old bytes');
cmp_ok(version(3500), '>', $before, 'the version of a slot goes on counting');
sql(q{SELECT hnsw_sync('t_idx')});
$session->query_safe('COMMIT');
$session->quit;

# --- the cut, and what is written under its lock ---
my $index = sql(q{SELECT 't_idx'::regclass::oid});
remove('t', 'id > 1500');
my $from = sql('SELECT pg_current_wal_insert_lsn()');
sql('VACUUM t');
my $to = sql('SELECT pg_current_wal_flush_lsn()');
cmp_ok(size('t_idx'), '<', $full * 0.4, 'the file is cut');
my ($wal, $stderr) = run_command([ 'pg_waldump', '-p', $node->data_dir . '/pg_wal', '-s', $from, '-e', $to ]);
my @between;
my ($locked, $cut, $generic) = (0, 0, 0);
for my $line (split /\n/, $wal)
{
	$locked = 1 if $line =~ /rmgr: Standby .*LOCK.*\brel $index\b/;
	$generic++ if $line =~ /rmgr: Generic/;
	push @between, $line if $locked && !$cut && $line =~ /rmgr: Generic/;
	$cut = 1 if $locked && $line =~ /rmgr: Storage .*TRUNCATE/;
}
ok($locked && $cut, 'the log has the lock and the cut') or diag("$wal\n$stderr");
cmp_ok($generic, '>', 0, 'and records of the free list');
is_deeply(\@between, [], 'none of them between the lock and the cut');

# --- as much as fits into maintenance_work_mem, then the rest ---
my @sizes = (size('s_idx'));
remove('s', 'id > 3000');
for my $round (1 .. 2)
{
	sql(q{SET maintenance_work_mem = '1MB'; VACUUM s});
	push @sizes, size('s_idx');
	sound('s_idx', "round $round");
	cmp_ok($sizes[-1], '<', $sizes[-2], "round $round gets further");
}
cmp_ok($sizes[-1], '<', $sizes[0] / 6, 'in the end all is given back');

# --- beside insertions, searches and deletions ---
sub cut_beside
{
	my ($options, $what) = @_;
	sql("TRUNCATE t");
	sql("ALTER INDEX t_idx SET (sync = $options)");
	sql('INSERT INTO t SELECT i, vec(i, 16) FROM generate_series(1, 6000) i');
	sql(q{SELECT hnsw_sync('t_idx')});
	my $script = "$PostgreSQL::Test::Utils::tmp_check/insert_$options.sql";
	append_to_file($script, q{
\set id random(100000, 900000)
\set near random(1, 6000)
INSERT INTO t SELECT :id % 3000 + 100000 + i, vec(:id % 3000 + i, 16) FROM generate_series(1, 3) i;
DELETE FROM t WHERE id = :near;
SET enable_seqscan = off;
SELECT id FROM t ORDER BY v <-> vec(:near, 16) LIMIT 5;
});
	my ($out, $err) = ('', '');
	my $bench = IPC::Run::start([ 'pgbench', '-n', '-T', 120, '-c', 3, '-f', $script, '-h', $node->host,
			'-p', $node->port, 'postgres' ], '>', \$out, '2>', \$err);
	my $smaller = 0;
	my $begin = time;
	# As long as it takes, on a busy machine.
	while ($bench->pumpable && (time - $begin < 5 || !$smaller))
	{
		$bench->pump_nb;
		remove('t', 'random() < 0.6 OR id < 100000');
		my $before_it = sql('SELECT free FROM hnsw_status(\'t_idx\')');
		sql('VACUUM t');
		$smaller++ if sql('SELECT free FROM hnsw_status(\'t_idx\')') < $before_it;
	}
	$bench->signal('TERM');
	$bench->finish;
	$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pgbench'})
	  or die 'clients go on';
	unlike($err, qr/ERROR|PANIC|FATAL/, "$what: no errors");
	cmp_ok($smaller, '>', 0, "$what: free slots were given back ($smaller times)");
	sound('t_idx', $what);
	return;
}
cut_beside('background', 'beside insertions');
cut_beside('immediate', 'beside insertions that link at once');
$node->stop;
done_testing();
