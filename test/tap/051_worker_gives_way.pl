# Whoever wants an index, its table, its database or the whole server for itself
# gets it at once, whatever the background worker is doing. Linking all that is
# pending here would take several times as long as any limit below.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;
use HnswWorker;

# Far below the time that the linking takes, far above that of the commands.
my $limit = 4;

my $node = fault_node('gives_way', conf => <<'CONF');
hnsw.sync_interval = 2
hnsw.pending_limit = 1000000
log_lock_waits = on
deadlock_timeout = 3s
CONF
create_source($node);

# The worker links element by element, or through a graph in memory.
sub use_memory
{
	my ($memory) = @_;
	$node->append_conf('postgresql.conf', "maintenance_work_mem = $memory");
	$node->reload;
}

# Runs the commands while the worker links; each has to be quick.
sub disturb
{
	my ($what, @commands) = @_;
	slow_table($node, 'slow');
	backlog($node, 'slow');
	ok(wait_for_linking($node, 'slow'), "$what: the worker links");
	for my $command (@commands)
	{
		my $seconds = seconds_of(sub { $node->safe_psql('postgres', $command) });
		cmp_ok($seconds, '<', $limit, sprintf('%s: takes %.2f s', $command, $seconds));
	}
	$node->safe_psql('postgres', 'DROP TABLE IF EXISTS slow');
}

for my $memory ('1MB', '256MB')
{
	use_memory($memory);
	disturb($memory, 'DROP INDEX slow_v_idx');
	disturb($memory, 'DROP TABLE slow');
	disturb($memory, 'TRUNCATE slow');
	disturb($memory, 'ALTER TABLE slow ADD COLUMN note text');
	disturb($memory, 'DROP INDEX CONCURRENTLY slow_v_idx');
}
use_memory('1MB');
disturb('vacuum', 'DELETE FROM slow WHERE id % 20 = 0', 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) slow');
disturb('reindex', 'DELETE FROM slow WHERE id > 50', 'REINDEX INDEX slow_v_idx',
	'REINDEX INDEX CONCURRENTLY slow_v_idx');

# ---- it does not hold anybody back ----

slow_table($node, 'slow');
backlog($node, 'slow');
ok(wait_for_linking($node, 'slow'), 'the worker links');
is(scalar_query($node, "SELECT backend_xmin IS NULL AND backend_xid IS NULL FROM pg_stat_activity WHERE backend_type = 'hnswpg worker'"),
	't', 'without a snapshot');
my $before = pending($node, 'slow_v_idx');
ok(wait_until(sub { pending($node, 'slow_v_idx') < $before }, 20), 'it goes on');

# ---- a lock that lasts ----

my $holder = HnswClient->start($node, "BEGIN; LOCK TABLE slow;\nSELECT 'locked';\nSELECT pg_sleep(60);\n");
ok($holder->wait_for(qr/^locked$/m, 20), 'somebody locks the table for long');
quick_table($node, 'quick');
$node->safe_psql('postgres', 'INSERT INTO quick SELECT * FROM source LIMIT 100');
ok(drained($node, 'quick_v_idx'), 'other indexes have their turn meanwhile');
is(scalar_query($node, q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'hnswpg worker' AND wait_event_type = 'Lock'}),
	0, 'the worker waits for no lock');
$node->safe_psql('postgres', 'SELECT pg_terminate_backend(' . $holder->backend . ', 5000)');
$holder->finish;
ok(wait_for_linking($node, 'slow'), 'it comes back when the lock is gone');

# ---- the worker itself ----

my $seconds;
for my $memory ('1MB', '256MB')
{
	use_memory($memory);
	$node->safe_psql('postgres', "DROP TABLE slow");
	slow_table($node, 'slow');
	backlog($node, 'slow');
	ok(wait_for_linking($node, 'slow'), "$memory: the worker links");
	my $pid = worker_pid($node);
	$seconds = seconds_of(sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 5000)") });
	cmp_ok($seconds, '<', 1.5, sprintf('it is terminated in %.2f s', $seconds));
}

# ---- the database ----

$node->safe_psql('postgres', 'DROP TABLE slow');

$node->safe_psql('postgres', 'CREATE DATABASE idle');
create_source($node, 'idle');
quick_table($node, 'quick', 'idle');
$node->safe_psql('idle', 'INSERT INTO quick SELECT * FROM source LIMIT 10');
ok(wait_until(sub { workers($node, 'idle') }, 20), 'a database with an idle worker');
$seconds = seconds_of(sub { $node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE idle') });
cmp_ok($seconds, '<', 4.5, sprintf('is copied: %.2f s', $seconds));
$node->safe_psql('idle', 'INSERT INTO quick SELECT * FROM source LIMIT 10');
ok(wait_until(sub { workers($node, 'idle') }, 20), 'again');
$seconds = seconds_of(sub { $node->safe_psql('postgres', 'DROP DATABASE idle') });
cmp_ok($seconds, '<', 4.5, sprintf('is dropped: %.2f s', $seconds));
slow_table($node, 'slow', 'copy');
backlog($node, 'slow', 'copy');
ok(wait_for_linking($node, 'slow'), 'a database whose worker links');
$seconds = seconds_of(sub { $node->safe_psql('postgres', 'DROP DATABASE copy') });
cmp_ok($seconds, '<', 4.5, sprintf('is dropped: %.2f s', $seconds));

# ---- the server ----

my $log = slurp_file($node->logfile);
unlike($log, qr/ERROR|PANIC|deadlock|terminated by signal/, 'no error was logged');
for my $mode (qw(fast smart immediate))
{
	slow_table($node, 'slow');
	backlog($node, 'slow');
	ok(wait_for_linking($node, 'slow'), 'the worker links');
	# The checkpoint of the shutdown is not the worker's.
	$node->safe_psql('postgres', 'CHECKPOINT');
	my $pid = worker_pid($node);
	$seconds = seconds_of(sub { $node->stop($mode) });
	cmp_ok($seconds, '<', 4, sprintf('shutdown %s takes %.2f s', $mode, $seconds));
	ok(!kill(0, $pid), 'the worker has ended');
	$node->start;
	is(scalar_query($node, q{SELECT count(*) FROM hnsw_check('slow_v_idx', true)}), 0, 'the index is sound');
	$node->safe_psql('postgres', 'DROP TABLE slow');
}
$node->stop;
done_testing();
