# What a worker was told of gets done without another insertion: when the worker is made
# to end in the middle, when the index was created by a transaction that is committed in
# two phases, and when it was built beside insertions.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;
use HnswWorker;

my $node = fault_node('left_to_do', conf => <<'CONF');
hnsw.sync_interval = 1
hnsw.pending_limit = 1000000
max_prepared_transactions = 4
CONF
create_source($node);

sub at_rest { return wait_until(sub { !workers($node) }, 30) }
sub is_clean { is(scalar_query($node, "SELECT count(*) FROM hnsw_check('$_[0]', true)"), 0, 'the index is sound') }

# ---- a worker that is made to end ----

slow_table($node, 'slow');
quick_table($node, 'quick');
# In one session, since linking takes less time than connecting may.
my $left = $node->safe_psql('postgres', <<'SQL');
BEGIN;
INSERT INTO slow SELECT * FROM source LIMIT 2000;
INSERT INTO quick SELECT * FROM source LIMIT 100;
COMMIT;
CREATE FUNCTION end_linking() RETURNS void LANGUAGE plpgsql AS $$
DECLARE linking int;
BEGIN
  LOOP
    PERFORM pg_stat_clear_snapshot(), pg_sleep(0.005);
    SELECT pid INTO linking FROM pg_stat_activity WHERE backend_type = 'hnswpg worker' AND query ~ '^linking .* public.slow_v_idx';
    EXIT WHEN pg_terminate_backend(linking, 5000);
  END LOOP;
END $$;
SELECT end_linking() \g /dev/null
SELECT pending FROM hnsw_status('slow_v_idx');
SQL
cmp_ok($left, '>', 0, 'the worker is made to end before it is done');
ok(drained($node, "${_}_v_idx"), "a successor links the rest: $_") for qw(quick slow);
ok(at_rest(), 'and comes to rest');
is_clean('slow_v_idx');

# ---- two phases ----

my $create = <<'SQL';
CREATE TABLE prepared (id bigint, v vector(64));
CREATE INDEX prepared_v_idx ON prepared USING hnsw (v vector_l2_ops);
INSERT INTO prepared SELECT * FROM source LIMIT 50;
PREPARE TRANSACTION 'one';
SQL
$node->safe_psql('postgres', "BEGIN; $create");
sleep 3;
$node->safe_psql('postgres', "COMMIT PREPARED 'one'");
ok(drained($node, 'prepared_v_idx'), 'an index of a prepared transaction is linked when that is committed');
ok(at_rest(), 'the worker comes to rest');
is_clean('prepared_v_idx');
$node->safe_psql('postgres', "DROP TABLE prepared; BEGIN; $create");
sleep 2;
$node->safe_psql('postgres', "ROLLBACK PREPARED 'one'");
ok(at_rest(), 'and does so when it is rolled back');

# ---- built beside insertions ----

# One who has an older snapshot keeps the builder from its end.
my $waits = q{SELECT count(*) FROM pg_stat_progress_create_index WHERE phase = 'waiting for old snapshots'};

sub build
{
	my ($what, $command, $index) = @_;
	my $builder = HnswClient->start($node, "SELECT pg_sleep(0.5);\n$command;\nSELECT 'built';\n");
	$builder->backend;
	my $reader = HnswClient->start($node, "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 1;\nSELECT 'there';\nSELECT pg_sleep(60);\n");
	ok($reader->wait_for(qr/^there$/m), "$what: somebody reads");
	ok(wait_until(sub { scalar_query($node, $waits) }, 30), "$what: the builder waits");
	$node->safe_psql('postgres', 'INSERT INTO beside SELECT * FROM source OFFSET 1000 LIMIT 30');
	sleep 3;
	$node->safe_psql('postgres', 'SELECT pg_terminate_backend(' . $reader->backend . ', 5000)');
	$reader->finish;
	ok($builder->wait_for(qr/^built$/m), "$what: it is built");
	$builder->finish;
	ok(drained($node, 'beside_v_idx'), "$what: what was inserted meanwhile is linked");
	ok(at_rest(), 'the worker comes to rest');
	is_clean('beside_v_idx');
}

$node->safe_psql('postgres', 'CREATE TABLE beside (id bigint, v vector(64)); INSERT INTO beside SELECT * FROM source LIMIT 200');
build('CREATE', 'CREATE INDEX CONCURRENTLY beside_v_idx ON beside USING hnsw (v vector_l2_ops)');
build('REINDEX', 'REINDEX INDEX CONCURRENTLY beside_v_idx');

# One that was left invalid is not waited for.
$node->safe_psql('postgres', q{UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'beside_v_idx'::regclass});
$node->safe_psql('postgres', 'INSERT INTO beside SELECT * FROM source OFFSET 2000 LIMIT 30');
ok(at_rest(), 'the worker does not wait for an index that was left invalid');

unlike(slurp_file($node->logfile), qr/ERROR|PANIC|signal 11/, 'no error was logged');
$node->stop;
done_testing();
