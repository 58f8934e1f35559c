# The registry of workers lies in shared memory. An insertion does not fail where there
# is none left for it, nor where another version of the module has made it: it is done
# without a worker. A server that preloads the module has set the memory aside.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;
use HnswWorker;

my $node = fault_node('registry', conf => <<'CONF');
hnsw.sync_interval = 2
hnsw.pending_limit = 50
max_connections = 20
max_locks_per_transaction = 10
CONF
create_source($node);
quick_table($node, 'quick');

# What is left of shared memory goes to the lock table, and stays there.
sub fill_lock_table
{
	my ($out, $err) = ('', '');
	$node->psql('postgres', 'SELECT pg_advisory_lock(i) FROM generate_series(1, 1000000) i', stderr => \$err);
	like($err, qr/out of shared memory/, 'the lock table has taken what there was');
	# The locks are the session's. It gives them back when it has seen that its client is gone;
	# until then nobody else can even connect.
	$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'")
	  or die 'the locks are not given back';
}

my $next = 0;
sub insert_rows
{
	my ($rows) = @_;
	my $err = '';
	my $first = $next;
	$next += $rows;
	$node->psql('postgres', join(';', map { "INSERT INTO quick SELECT * FROM source OFFSET $_ LIMIT 1" } $first .. $next - 1),
		stderr => \$err);
	return $err;
}

# ---- not preloaded ----

$node->restart;
fill_lock_table();
my $end = log_end($node);
is(insert_rows(200), '', 'insertions succeed without memory for the registry');
is(scalar_query($node, 'SELECT count(*) FROM quick'), 200, 'every row is there');
cmp_ok(pending($node, 'quick_v_idx'), '<=', 50, 'they link what is beyond hnsw.pending_limit');
is(scalar(workers($node)), 0, 'there is no worker');
my @lines = log_since($node, $end) =~ /(LOG: +there is no hnswpg worker.*)/g;
is(scalar(@lines), 1, 'a session says so once');
like(log_since($node, $end), qr/HINT:.*shared_preload_libraries/, 'and what to do');
is(scalar_query($node, "SELECT count(*) FROM hnsw_check('quick_v_idx', true)"), 0, 'the index is sound');

# ---- preloaded ----

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'hnswpg'\nhnsw.startup_sync = off");
$node->restart;
fill_lock_table();
is(insert_rows(100), '', 'preloaded: insertions succeed');
ok(wait_until(sub { worker_pid($node) }, 20), 'and there is a worker');
ok(drained($node, 'quick_v_idx'), 'which links what is pending');

# The memory is there again after a crash.
my $pid = worker_pid($node);
kill 'KILL', $pid;
ok(wait_until(sub { slurp_file($node->logfile) =~ /reinitializing/ && $node->psql('postgres', 'SELECT 1') == 0 }, 60), 'the server crashes and starts again');
fill_lock_table();
is(insert_rows(10), '', 'insertions succeed');
ok(drained($node, 'quick_v_idx'), 'and a worker links what is pending');

# ---- a module with another layout, without a restart ----

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
is(insert_rows(10), '', 'this module has made the registry');
ok(drained($node, 'quick_v_idx'), 'and has a worker');
my $library = $node->config_data('--pkglibdir') . '/hnswpg.so';
my $other = PostgreSQL::Test::Utils::tempdir() . '/hnswpg_other.so';
my $code = slurp_file($library);
is(scalar(() = $code =~ s/hnswpg workers, layout \d+\0/hnswpg workers, layout X\0/g), 1, 'a module says of which layout its registry is');
open my $file, '>:raw', $other or die $!;
print $file $code;
close $file;
$node->safe_psql('postgres', "SET allow_system_table_mods = on; UPDATE pg_proc SET probin = '$other' WHERE probin = '\$libdir/hnswpg'");
$end = log_end($node);
is(insert_rows(200), '', 'with another module insertions succeed');
cmp_ok(pending($node, 'quick_v_idx'), '>', 0, 'without a worker');
like(log_since($node, $end), qr/LOG: +there is no hnswpg worker.*\n.*DETAIL:.*another version/, 'which the log says');
$node->safe_psql('postgres', "SET allow_system_table_mods = on; UPDATE pg_proc SET probin = '\$libdir/hnswpg' WHERE probin = '$other'");
is(scalar_query($node, "SELECT count(*) FROM hnsw_check('quick_v_idx', true)"), 0, 'the index is sound');

# ---- a database that nobody may connect to, but those who are there ----

$node->safe_psql('postgres', 'CREATE DATABASE closed');
create_source($node, 'closed');
quick_table($node, 'quick', 'closed');
$node->restart;
$end = log_end($node);
# It is connected before the door is shut.
my $client = HnswClient->start($node, "SELECT pg_sleep(2);\n"
	  . join('', map { "INSERT INTO quick SELECT * FROM source OFFSET $_ LIMIT 1;\nSELECT pg_sleep(0.02);\n" } 0 .. 150)
	  . "SELECT 'ack end';\n", dbname => 'closed');
$client->backend;
$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS false');
ok($client->wait_for(qr/ack end/, 60), 'insertions into a database that a worker cannot connect to');
$client->finish;
my $starts = () = log_since($node, $end) =~ /FATAL: +database "closed" is not currently accepting connections/g;
cmp_ok($starts, '>', 0, "the server has started a worker");
cmp_ok($starts, '<=', 10, "but not at each insertion: $starts times");
$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS true');
ok( wait_until(
		sub {
			$node->safe_psql('closed', 'INSERT INTO quick SELECT * FROM source OFFSET 200 LIMIT 1');
			return pending($node, 'quick_v_idx', 'closed') <= 1;
		},
		60),
	'when it may connect, one is started again');

unlike(slurp_file($node->logfile), qr/PANIC|signal 11/, 'no process failed by itself');
$node->stop;
done_testing();
