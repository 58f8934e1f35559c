# When the background worker can start and when it cannot: with the server, where
# the library is preloaded; not where the server has no room for it; not on a
# standby, but when that becomes a primary.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFault;
use HnswWorker;

my $node = fault_node('start', streaming => 1, conf => <<'CONF');
hnsw.sync_interval = 0
hnsw.pending_limit = 1000000
wal_level = replica
max_wal_senders = 4
CONF
$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(other plain closed);
create_source($node, $_), quick_table($node, 'quick', $_) for qw(postgres other);

sub leave_pending
{
	my ($from) = @_;
	$node->safe_psql($_, "INSERT INTO quick SELECT * FROM source OFFSET $from LIMIT 200") for qw(postgres other);
}

sub restart_with
{
	$node->append_conf('postgresql.conf', $_) for @_;
	$node->restart;
}

# ---- not preloaded ----

leave_pending(0);
restart_with('hnsw.sync_interval = 2');
sleep 1;
is(join(' ', map { pending($node, 'quick_v_idx', $_) } qw(postgres other)), '200 200',
	'without preloading nothing starts with the server');
$node->safe_psql('postgres', 'INSERT INTO quick SELECT * FROM source OFFSET 200 LIMIT 1');
ok(drained($node, 'quick_v_idx'), 'the first insertion has all of its database linked');
is(pending($node, 'quick_v_idx', 'other'), 200, 'not of another');

# ---- preloaded ----

# A database that nobody may connect to must not stop the launcher.
$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS false');
my $end = log_end($node);
restart_with("shared_preload_libraries = 'hnswpg'");
ok(drained($node, 'quick_v_idx', 'other'), 'a server that preloads links what was pending when it stopped');
ok(wait_until(sub { scalar_query($node, q{SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ '^hnswpg'}) == 0 }, 30),
	'then launcher and workers end');
unlike(log_since($node, $end), qr/ERROR|FATAL(?!.*the database system is)|hnswpg.*exited/, 'quietly');

restart_with('hnsw.sync_interval = 0');
leave_pending(300);
restart_with('hnsw.sync_interval = 2', 'hnsw.startup_sync = off');
sleep 1;
is(join(' ', map { pending($node, 'quick_v_idx', $_) } qw(postgres other)), '200 200',
	'hnsw.startup_sync = off: not so');

# ---- a standby ----

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'hnsw.startup_sync = on');
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('write'));
sleep 1;
is(scalar(workers($standby)), 0, 'no worker on a standby');
is(pending($standby, 'quick_v_idx'), 200, 'which sees what is pending');
$standby->promote;
ok(drained($standby, 'quick_v_idx'), 'promoted, it links it');
ok(drained($standby, 'quick_v_idx', 'other'), 'in each database');
$standby->stop;

# ---- no room ----

restart_with('hnsw.pending_limit = 50', 'max_logical_replication_workers = 0', 'max_worker_processes = 0');
$end = log_end($node);
my $seconds = seconds_of(sub {
	$node->safe_psql('postgres', join ';', map { "INSERT INTO quick SELECT * FROM source WHERE id = $_" } 1000 .. 1400);
});
note(sprintf('400 insertions take %.2f s', $seconds));
cmp_ok(pending($node, 'quick_v_idx'), '<=', 50, 'without room for a worker insertions link beyond hnsw.pending_limit');
my @lines = log_since($node, $end) =~ /(LOG: +no background worker slot is left.*)/g;
is(scalar(@lines), 1, 'which the log says once');
like($lines[0] // '', qr/database "postgres"/, 'with the database');
like(log_since($node, $end), qr/HINT:.*max_worker_processes/, 'and what to do');
is(scalar_query($node, "SELECT count(*) FROM hnsw_check('quick_v_idx', true)"), 0, 'the index is sound');

restart_with('max_worker_processes = 8', 'hnsw.startup_sync = on', "hnsw.pending_limit = 1000");
ok(drained($node, 'quick_v_idx'), 'with room again, all is linked');
$node->stop;
done_testing();
