# Replay may stop anywhere. A standby is halted at many random records, and a
# backup is recovered to random positions, while the primary inserts, deletes,
# vacuums, links, one by one and in memory, and cleans up: at each point every row that
# the heap shows is found through the index, once, and the index is sound.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use HnswClient;
use HnswFault;

seed_random();
my $points = slow_tests() ? 300 : 12;
my @names = qw(codes exact equal spread);
$table{large} = { dim => 8, index => '(v vector_l2_ops) WITH (m = 8)', rows => 500 };

my $primary = fault_node('primary', streaming => 1, initdb => ['--wal-segsize=1'],
	conf => "wal_keep_size = 1GB\nhnsw.sync_interval = 1\nhnsw.pending_limit = 40\nhnsw.cleanup_threshold = 0.02");
$table{$_}{rows} = int($table{$_}{rows} / 2) for @names;
create_table($primary, $_, $table{$_}{rows}) for @names, 'large';
# Truncating a table or an index takes a lock that a halted replay would keep, and that
# searches there would wait for without end. For indexes the table says so; for tables,
# those of long values too, each VACUUM does.
$primary->safe_psql('postgres', "ALTER TABLE $_ SET (vacuum_truncate = off)") for @names, 'large';
$primary->enable_archiving;
$primary->restart;
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
# Replay that falls behind waits for queries: one that only lets it go on must not be
# cancelled by what it has let go on, however slow the machine.
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = -1\nmax_standby_archive_delay = -1");
$standby->start;

# Writes until the table named `stop` has a row.
$primary->safe_psql('postgres', 'CREATE TABLE stop (x int)');
sub writer
{
	my ($name) = @_;
	my $rows = $table{$name}{rows};
	my $id = vector_sql($name, 'i');
	my $new = vector_sql($name, 'id + i * 1000000');
	return HnswClient->start($primary, <<"SQL");
DO \$\$
DECLARE i bigint := 100000;
BEGIN
  WHILE NOT EXISTS (SELECT FROM stop) LOOP
    FOR n IN 1 .. $rows / 20 LOOP
      i := i + 1;
      INSERT INTO $name SELECT i, $id;
      COMMIT;
      PERFORM pg_sleep(0.001);
    END LOOP;
    UPDATE $name SET v = $new WHERE id IN (SELECT id FROM $name ORDER BY random() LIMIT 5);
    DELETE FROM $name WHERE id IN (SELECT id FROM $name ORDER BY random() OFFSET $rows);
    COMMIT;
  END LOOP;
END \$\$;
SQL
}
my @writers = map { writer($_) } @names;
my $vacuum = HnswClient->start($primary,
	"SET client_min_messages = error;\n" . ("VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) codes, exact, equal, spread;\nSELECT pg_sleep(0.02);\n" x 10000));
# What is linked in memory; the worker would be quicker than hnsw_sync, or not.
my $bulk = HnswClient->start($primary, "SET hnsw.pending_limit = 100000;\nSET client_min_messages = error;\n"
	  . join('', map { my $first = $_ * 2100; <<"SQL" } 1 .. 2000));
INSERT INTO large SELECT g, vec(g, 8) FROM generate_series($first, $first + 2099) g;
SELECT hnsw_sync('large_v_idx') \\g /dev/null
DELETE FROM large WHERE id >= 1000;
VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) large;
SELECT hnsw_cleanup('large_v_idx') \\g /dev/null
SQL

my (@wrong, @lsns);
my ($halts, $crashes) = (0, 0);
while ($halts < $points)
{
	usleep(rand 60_000);
	if (rand() < 0.12)
	{
		# Replay begins again from the last restart point, over pages of any age.
		$standby->safe_psql('postgres', 'CHECKPOINT') if rand() < 0.3;
		$standby->stop('immediate');
		$standby->start;
		$crashes++;
	}
	$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
	$standby->poll_query_until('postgres', "SELECT pg_get_wal_replay_pause_state() = 'paused'")
	  or die 'replay does not pause';
	my $lsn = scalar_query($standby, 'SELECT pg_last_wal_replay_lsn()');
	push @lsns, $lsn;
	for my $name (@names, $halts % 4 ? () : 'large')
	{
		my $problems = problems($standby, $name);
		push @wrong, "$name at $lsn: $problems" if $problems ne '';
	}
	$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
	$halts++;
}
is(join("\n", @wrong), '', "at $halts halts of replay, after $crashes crashes of the standby, every row is found");

$primary->safe_psql('postgres', 'INSERT INTO stop VALUES (1)');
$_->finish for @writers;
is(join('', map { $_->err } @writers), '', 'the primary could write');
for my $client ($vacuum, $bulk)
{
	$primary->safe_psql('postgres', 'SELECT pg_terminate_backend(' . $client->backend . ')');
	$client->finish;
	unlike($client->err, qr/ERROR/, 'and do its other work');
}

# The backup, recovered to some of these positions and opened for writing there.
my $segment = scalar_query($primary, 'SELECT pg_walfile_name(pg_switch_wal())');
$primary->poll_query_until('postgres', "SELECT last_archived_wal >= '$segment' FROM pg_stat_archiver")
  or die 'the WAL is not archived';
for my $n (1 .. (slow_tests() ? 20 : 2))
{
	my $lsn = $lsns[ int rand @lsns ];
	my $node = PostgreSQL::Test::Cluster->new("recovered$n");
	$node->init_from_backup($primary, 'base', has_restoring => 1, standby => 0);
	$node->append_conf('postgresql.conf',
		"recovery_target_lsn = '$lsn'\nrecovery_target_action = promote\narchive_mode = off");
	$node->start;
	$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'no end of recovery';
	for my $name (@names, $n == 1 ? 'large' : ())
	{
		is_sound($node, $name, "$name: sound, recovered to $lsn");
		my $id = vector_sql($name, 'g');
		$node->safe_psql('postgres', "INSERT INTO $name SELECT g, $id FROM generate_series(1000001, 1000050) g;"
			  . "DELETE FROM $name WHERE id % 3 = 0; VACUUM (INDEX_CLEANUP ON) $name");
		is_sound($node, $name, "$name: sound after writing on");
	}
	$node->stop('fast');
}
unlike(slurp_file($standby->logfile), qr/PANIC|inconsistent page/, 'no trouble in the log of the standby');
is_sound($primary, $_, "$_: sound on the primary") for @names, 'large';
$standby->stop;
$primary->stop;
done_testing();
