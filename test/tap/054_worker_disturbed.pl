# Sessions insert, delete, vacuum and rebuild while the background worker is
# terminated and cancelled at any moment. In the end every row is found once and
# all that is pending gets linked.
use strict;
use warnings;
use Time::HiRes qw(time usleep);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;
use HnswWorker;

seed_random();
my $seconds = slow_tests() ? 60 : 8;
my $node = fault_node('worker_disturbed', conf => <<'CONF');
hnsw.sync_interval = 1
hnsw.pending_limit = 2000
hnsw.cleanup_threshold = 0.02
deadlock_timeout = 200ms
CONF
my @tables = qw(codes equal);
create_table($node, $_, 300) for @tables;
$node->safe_psql('postgres', 'CREATE SEQUENCE ids START 10000');

sub script
{
	my (@statements) = @_;
	my $round = join '', map { "$_;\n" } @statements;
	my $end = "SELECT now() > '" . scalar_query($node, "SELECT now() + interval '$seconds s'") . "'::timestamptz AS over \\gset";
	return "$end\n\\if :over\n\\quit\n\\endif\n$round" x (100 * $seconds);
}

my @clients;
for my $name (@tables)
{
	my $vector = vector_sql($name, 'i');
	my $write = script("INSERT INTO $name SELECT i, $vector FROM nextval('ids') i",
		"INSERT INTO $name SELECT i, $vector FROM (SELECT nextval('ids') i FROM generate_series(1, 100) OFFSET 0) x",
		"DELETE FROM $name WHERE id IN (SELECT id FROM $name ORDER BY random() LIMIT 95)");
	my $maintain = script("VACUUM (INDEX_CLEANUP ON) $name", 'SELECT pg_sleep(0.05)',
		"REINDEX INDEX CONCURRENTLY ${name}_v_idx", 'SELECT pg_sleep(0.1)', "SELECT hnsw_sync('${name}_v_idx')",
		"ALTER TABLE $name ADD COLUMN c int", "ALTER TABLE $name DROP COLUMN c", 'SELECT pg_sleep(0.1)');
	push @clients, map { HnswClient->start($node, $_, stop_on_error => 0) } $write, $maintain;
}

my $blows = 0;
my $end = time + $seconds;
while (time < $end)
{
	for my $pid (workers($node))
	{
		my $signal = rand() < 0.5 ? 'pg_terminate_backend' : 'pg_cancel_backend';
		$blows += scalar_query($node, "SELECT count(*) FROM (SELECT $signal($pid) AS done) x WHERE done");
	}
	usleep(200_000 * rand());
}
$_->finish for @clients;
cmp_ok($blows, '>', 5, "the worker was disturbed $blows times");
my @errors = map { $_->err =~ /((?:ERROR|FATAL|PANIC):.*)/g } @clients;
is(join("\n", @errors), '', 'nobody else was');

$node->safe_psql('postgres', "INSERT INTO $_ SELECT 1, " . vector_sql($_, '1')) for @tables;
for my $name (@tables)
{
	ok(drained($node, "${name}_v_idx"), "$name: all is linked in the end");
	is_sound($node, $name);
}
ok(wait_until(sub { !workers($node) }, 20), 'the worker comes to rest');
my $log = slurp_file($node->logfile);
my @lines = grep { !/canceling statement due to user request/ } $log =~ /((?:ERROR|PANIC):.*)/g;
is(join("\n", @lines), '', 'the log has no other error');
unlike($log, qr/terminated by signal/, 'no process crashed');
$node->stop;
done_testing();
