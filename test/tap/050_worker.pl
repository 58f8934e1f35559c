# The background worker's life: it starts when it is needed, links what is
# pending, stops when nothing has been for a while, and comes back.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFault;
use HnswWorker;

# So long stays a worker that has nothing to do: longer than a few statements take,
# wherever one is asked for that should be there still.
my $interval = 5;
my $node = fault_node('worker', conf => "hnsw.sync_interval = $interval\nhnsw.pending_limit = 1000000");
create_source($node);
quick_table($node, 'quick');
slow_table($node, 'slow');

is(scalar(workers($node)), 0, 'no insertion, no worker');

# ---- on demand ----

$node->safe_psql('postgres', 'INSERT INTO quick SELECT * FROM source LIMIT 1');
ok(drained($node, 'quick_v_idx'), 'a single row is linked');
ok(wait_until(sub { worker_pid($node) }), 'by a worker that the insertion has started');
$node->safe_psql('postgres', 'BEGIN; INSERT INTO quick SELECT * FROM source OFFSET 1 LIMIT 300; ROLLBACK');
ok(drained($node, 'quick_v_idx'), 'what a rolled back transaction has left is linked too');
is(scalar_query($node, q{SELECT elements FROM hnsw_status('quick_v_idx')}), 301, 'all of it');

my $first = worker_pid($node);
$node->safe_psql('postgres', 'INSERT INTO quick SELECT * FROM source OFFSET 301 LIMIT 1') for 1 .. 20;
ok(drained($node, 'quick_v_idx'), 'rows inserted one by one are linked');
is(worker_pid($node), $first, 'by the same worker');
# Not in the same moment: its transaction ends after the last element is linked.
ok(wait_until(sub { worker_activity($node) eq 'idle:' }, 20), 'which is idle afterwards');
my $in_transaction = "SELECT count(*) FROM pg_stat_activity WHERE pid = $first AND (xact_start IS NOT NULL OR backend_xmin IS NOT NULL)";
ok(wait_until(sub { scalar_query($node, $in_transaction) == 0 }, 20), 'outside any transaction');

# ---- what VACUUM has marked ----

sub dead { return scalar_query($node, q{SELECT dead FROM hnsw_status('quick_v_idx')}) }
$node->safe_psql('postgres', 'TRUNCATE quick; INSERT INTO quick SELECT * FROM source LIMIT 1000');
ok(drained($node, 'quick_v_idx'), 'a thousand rows are linked');
$node->safe_psql('postgres', 'DELETE FROM quick WHERE id <= 50; VACUUM (INDEX_CLEANUP ON) quick');
sleep 1;
is(dead(), 50, 'fewer dead elements than hnsw.cleanup_threshold stay');
$node->safe_psql('postgres', 'DELETE FROM quick WHERE id <= 500; VACUUM (INDEX_CLEANUP ON) quick');
ok(cleaned_up($node, 'quick_v_idx'), 'more are removed');
cmp_ok(dead(), '<=', 50, 'down to as few again');
is(scalar_query($node, "SELECT count(*) FROM hnsw_check('quick_v_idx', true)"), 0, 'the index is sound');

# ---- what it says it does ----

backlog($node, 'slow');
ok(wait_for_linking($node, 'slow'), 'pg_stat_activity says what it links');
$node->safe_psql('postgres', 'DROP TABLE slow');

# ---- announced to a worker that is about to end ----

# It has the signal, and does not run before the row is there.
$node->safe_psql('postgres', 'INSERT INTO quick SELECT * FROM source OFFSET 1500 LIMIT 1');
ok(drained($node, 'quick_v_idx'), 'there is a worker');
ok(wait_until(sub { worker_activity($node) eq 'idle:' }, 20), 'at rest');
my $doomed = worker_pid($node);
kill 'STOP', $doomed;
$node->safe_psql('postgres', "SELECT pg_terminate_backend($doomed)");
$node->safe_psql('postgres', 'INSERT INTO quick SELECT * FROM source OFFSET 1501 LIMIT 1');
kill 'CONT', $doomed;
ok(drained($node, 'quick_v_idx'), 'its successor links what was announced to it');
isnt(worker_pid($node), $doomed, 'and is another one');

# ---- created and filled in one transaction ----

$node->safe_psql('postgres', <<'SQL');
BEGIN;
CREATE TABLE fresh (id bigint, v vector(64));
CREATE INDEX fresh_v_idx ON fresh USING hnsw (v vector_l2_ops);
INSERT INTO fresh SELECT * FROM source LIMIT 5;
SELECT pg_sleep(0.3);
COMMIT;
SQL
ok(drained($node, 'fresh_v_idx'), 'an index that the same transaction has created');

# ---- more indexes than a session takes note of ----

quick_table($node, "many$_") for 1 .. 10;
$node->safe_psql('postgres', join '; ', 'BEGIN', (map { "INSERT INTO many$_ SELECT * FROM source LIMIT 3" } 1 .. 10), 'COMMIT');
is(join(' ', grep { !drained($node, "many${_}_v_idx") } 1 .. 10), '', 'many indexes in one transaction');

# ---- a temporary table needs none ----

ok(wait_until(sub { !workers($node) }, 20), 'it stops when there was no work for a while');
$node->safe_psql('postgres', 'CREATE TEMP TABLE t (id bigint, v vector(64)); CREATE INDEX ON t USING hnsw (v vector_l2_ops);'
	  . 'INSERT INTO t SELECT * FROM source LIMIT 10');
is(scalar(workers($node)), 0, 'no worker for a temporary table');

# ---- again, and ended from outside ----

$node->safe_psql('postgres', 'INSERT INTO quick SELECT * FROM source OFFSET 400 LIMIT 10');
ok(drained($node, 'quick_v_idx'), 'the next insertion starts another');
my $second = worker_pid($node);
isnt($second, $first, 'a new process');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($second, 5000)");
$node->safe_psql('postgres', 'INSERT INTO quick SELECT * FROM source OFFSET 420 LIMIT 10');
ok(drained($node, 'quick_v_idx'), 'and after it was terminated, yet another');
isnt(worker_pid($node), $second, 'a new process again');

# ---- two databases ----

$node->safe_psql('postgres', 'CREATE DATABASE other');
create_source($node, 'other');
quick_table($node, 'quick', 'other');
$node->safe_psql('other', 'INSERT INTO quick SELECT * FROM source LIMIT 100');
$node->safe_psql('postgres', 'INSERT INTO quick SELECT * FROM source OFFSET 440 LIMIT 100');
ok(drained($node, 'quick_v_idx', 'other'), 'another database has a worker of its own');
ok(drained($node, 'quick_v_idx'), 'beside the first');
is($node->safe_psql('postgres', q{SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_stat_activity WHERE backend_type = 'hnswpg worker'}),
	'other postgres', 'one each');

# ---- none at all ----

$node->append_conf('postgresql.conf', 'hnsw.sync_interval = 0');
$node->reload;
ok(wait_until(sub { !workers($node) }, 10), 'hnsw.sync_interval = 0 ends them');
$node->safe_psql('postgres', 'INSERT INTO quick SELECT * FROM source OFFSET 600 LIMIT 100');
is(pending($node, 'quick_v_idx'), 100, 'and nothing is linked then');
is(scalar(workers($node)), 0, 'by nobody');
is(scalar_query($node, "SELECT hnsw_sync('quick_v_idx')"), 100, 'but by hand');
is(scalar_query($node, "SELECT count(*) FROM hnsw_check('quick_v_idx', true)"), 0, 'the index is sound');

# ---- a crash takes the registry along ----

$node->append_conf('postgresql.conf', "hnsw.sync_interval = $interval");
$node->reload;
$node->safe_psql('postgres', 'INSERT INTO quick SELECT * FROM source OFFSET 700 LIMIT 10');
ok(wait_until(sub { worker_pid($node) }), 'a worker');
my $pid = worker_pid($node);
$node->psql('postgres', 'INSERT INTO quick SELECT * FROM source OFFSET 720 LIMIT 100');
kill 'KILL', $pid;
# First what the log says: as long as the postmaster has not noticed, sessions are let in.
ok(wait_until(sub { slurp_file($node->logfile) =~ /reinitializing/ && $node->psql('postgres', 'SELECT 1') == 0 }), 'killed: the server starts again');
$node->safe_psql('postgres', 'INSERT INTO quick SELECT * FROM source OFFSET 820 LIMIT 1');
ok(drained($node, 'quick_v_idx'), 'and a new worker links what the killed one left');
is(scalar_query($node, "SELECT count(*) FROM hnsw_check('quick_v_idx', true)"), 0, 'the index is sound');

unlike(slurp_file($node->logfile), qr/ERROR|PANIC|signal 11/, 'no error was logged');
$node->stop;
done_testing();
