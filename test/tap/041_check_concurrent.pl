# hnsw_check raises no false alarm: while others insert, link, delete, roll back, are
# cancelled, vacuum and clean up, on the primary, and on a standby while it replays all that.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = 8;
my $seed = $ENV{HNSWPG_SEED} // int(rand(1_000_000));
note "seed: $seed (HNSWPG_SEED)";

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_parallel_maintenance_workers = 0\nhnsw.sync_interval = 0\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION hnswpg;
	CREATE FUNCTION random_vector(dim int, steps int) RETURNS vector LANGUAGE sql VOLATILE AS
	  $$SELECT array_agg(round(random() * steps)::real)::vector FROM generate_series(1, dim) j$$;
	-- Few different vectors, so that many are equal; elements of several pages.
	CREATE TABLE narrow (k int, v vector(3));
	CREATE TABLE wide (k int, v vector(2500));
	CREATE INDEX narrow_idx ON narrow USING hnsw (v vector_l2_ops) WITH (m = 3, ef_construction = 10, sync = immediate);
	CREATE INDEX wide_idx ON wide USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 10, quantization = none);
	CREATE UNLOGGED TABLE passing (v vector(3));
	CREATE INDEX passing_idx ON passing USING hnsw (v vector_l2_ops);
});
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;

my $scripts = PostgreSQL::Test::Utils::tempdir();
# One of pgbench's scripts, and how often it is taken.
sub script
{
	my ($name, $weight, $sql) = @_;
	append_to_file("$scripts/$name", $sql);
	return ('-f', "$scripts/$name\@$weight");
}
my @scripts = (
	script('insert', 4, q{
		INSERT INTO narrow SELECT random() * 50, random_vector(3, 6) FROM generate_series(1, 20);}),
	script('insert_wide', 3, q{
		INSERT INTO wide SELECT random() * 10, random_vector(2500, 3) FROM generate_series(1, 2);}),
	script('rollback', 1, q{
		BEGIN; INSERT INTO narrow SELECT 0, random_vector(3, 6) FROM generate_series(1, 5); ROLLBACK;}),
	script('delete', 3, q{
		\set k random(0, 50)
		DELETE FROM narrow WHERE k = :k; DELETE FROM wide WHERE k = :k;}),
	script('vacuum', 2, q{
		VACUUM (INDEX_CLEANUP ON) narrow; VACUUM (INDEX_CLEANUP ON) wide;}),
	script('maintain', 2, q{
		SELECT hnsw_cleanup('narrow_idx'); SELECT hnsw_sync('wide_idx'); SELECT hnsw_cleanup('wide_idx');}));
my ($out, $err) = ('', '');
my $load = IPC::Run::start(
	[ 'pgbench', '-n', '-c', 4, '-j', 1, '-T', $seconds, '--random-seed', $seed,
		'-h', $node->host, '-p', $node->port, @scripts, 'postgres' ],
	'>', \$out, '2>', \$err);

# The rows of hnsw_check, or its error.
sub check
{
	my ($where, $index) = @_;
	my ($code, $rows, $error) = $where->psql('postgres', "SELECT * FROM hnsw_check('$index', heapcheck => true)");
	return $rows . $error;
}

my ($checks, $overtaken) = (0, 0);
my @alarms;
for (my $end = time + $seconds - 1; time < $end;)
{
	for my $index ('narrow_idx', 'wide_idx')
	{
		my $found = check($node, $index);
		push @alarms, "primary, $index: $found" if $found ne '';
		$found = check($standby, $index);
		# What it may say when replay is faster than the check, every time; or when
		# replay of a vacuum takes the table away from it.
		if ($found =~ /being changed by replay all the time|due to conflict with recovery/) { $overtaken++ }
		elsif ($found ne '') { push @alarms, "standby, $index: $found" }
		$checks += 2;
	}
}
$load->finish;
note "checks: $checks, of them overtaken by replay: $overtaken";
unlike($err, qr/error|ERROR|aborted/, 'nothing failed meanwhile');
like($out, qr/number of transactions actually processed: [1-9]/, 'there was work meanwhile');
cmp_ok($checks, '>', 3, 'there were checks meanwhile');
is(join("\n", @alarms), '', 'no check raised an alarm');

# Insertions and vacuums that are cancelled at any point leave nothing to complain of.
srand($seed);
for my $round (1 .. 25)
{
	my $timeout = 1 + int(rand(30));
	for my $command ("SET statement_timeout = $timeout; INSERT INTO narrow SELECT 1, random_vector(3, 100) FROM generate_series(1, 500)",
		"DELETE FROM narrow WHERE k = $round",
		"SET statement_timeout = $timeout; VACUUM (INDEX_CLEANUP ON) narrow",
		"SET statement_timeout = $timeout; SELECT hnsw_cleanup('narrow_idx')")
	{
		$node->psql('postgres', $command, stderr => \my $cancelled);
	}
	my $found = check($node, 'narrow_idx');
	is($found, '', "sound after a cancel, round $round") if $found ne '' || $round == 25;
}

$node->wait_for_catchup($standby);
is(check($standby, 'narrow_idx') . check($standby, 'wide_idx'), '', 'the standby has sound indexes');
like(check($standby, 'passing_idx'), qr/cannot check unlogged index "passing_idx" during recovery/,
	'an unlogged index cannot be checked on a standby');
$standby->promote;
is(check($standby, 'narrow_idx') . check($standby, 'wide_idx') . check($standby, 'passing_idx'),
	'', 'and when it is promoted');

$standby->stop;
$node->stop;
done_testing();
