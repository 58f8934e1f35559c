# Sessions that get in each other's way: statements cut short at any moment, a
# table and its indexes rebuilt, emptied and dropped beside readers and writers.
# Nothing crashes, nothing fails in an unexpected way, and in the end every row is
# found.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;

seed_random();
my $node = fault_node('disturbed', conf => "autovacuum = on\nautovacuum_naptime = 1s");
my $seconds = slow_tests() ? 60 : 6;
create_table($node, $_, 300) for qw(codes equal wide);
$node->safe_psql('postgres', 'CREATE SEQUENCE ids START 10000');

# Runs scripts (name => statements) from $clients sessions for $seconds; sessions
# go on after an error. Returns all errors.
sub disturb
{
	my ($clients, %scripts) = @_;
	my @running;
	my $end = "SELECT now() > '" . scalar_query($node, "SELECT now() + interval '$seconds s'") . "'::timestamptz AS over \\gset";
	for my $name (sort keys %scripts)
	{
		# A script ends itself when the time is over; there are more rounds than time.
		my $script = "$end\n\\if :over\n\\quit\n\\endif\n$scripts{$name}\n" x (400 * $seconds);
		push @running, map { HnswClient->start($node, $script, stop_on_error => 0) } 1 .. $clients;
	}
	$_->finish for @running;
	return map { $_->err =~ /((?:ERROR|FATAL|PANIC):.*)/g } @running;
}

sub count_errors
{
	my (%count) = ();
	s/"[^"]*"/"..."/g, s/\d+/N/g, $count{$_}++ for @_;
	return join("\n", map { "$count{$_} times $_" } sort keys %count);
}

# ---- statements cut short ----

my %scripts;
for my $name (qw(codes equal wide))
{
	my $id = vector_sql($name, 'i');
	my $new = vector_sql($name, 'id + 5000000');
	$scripts{"write $name"} = <<"SQL";
SELECT 1 + floor(random() * 12)::int AS ms \\gset
SET statement_timeout = :ms;
INSERT INTO $name SELECT i, $id FROM nextval('ids') i;
INSERT INTO $name SELECT i, $id FROM nextval('ids') i;
INSERT INTO $name SELECT i, $id FROM (SELECT nextval('ids') i FROM generate_series(1, 5)) x;
DELETE FROM $name WHERE id IN (SELECT id FROM $name ORDER BY random() LIMIT 6);
UPDATE $name SET v = $new WHERE id IN (SELECT id FROM $name ORDER BY random() LIMIT 1);
SET statement_timeout = 0;
SQL
}
$scripts{vacuum} = join '', map { <<"SQL" } qw(codes equal wide);
SELECT 1 + floor(random() * 30)::int AS ms \\gset
SET statement_timeout = :ms;
VACUUM (INDEX_CLEANUP ON) $_;
SET statement_timeout = 0;
SQL
my @errors = disturb(1, %scripts);
# A timeout that fires just as its statement ends is reported as a request.
my $cut = grep { /canceling statement due to (statement timeout|user request)/ } @errors;
is(count_errors(grep { !/canceling statement due to (statement timeout|user request)/ } @errors), '',
	'statements cut short fail in no other way');
cmp_ok($cut, '>', 50, "$cut statements were cut short");
is_sound($node, $_, "$_: every row is found once, the index is sound") for qw(codes equal wide);
$node->safe_psql('postgres', 'DELETE FROM codes WHERE id % 2 = 0; VACUUM (INDEX_CLEANUP ON) codes, equal, wide');
is_sound($node, $_, "$_: also after a vacuum") for qw(codes equal wide);

# ---- rebuilt, emptied, dropped ----

@errors = disturb(1,
	write => <<'SQL',
INSERT INTO codes SELECT i, vec(i, 16) FROM (SELECT nextval('ids') i FROM generate_series(1, 20) OFFSET 0) x;
DELETE FROM codes WHERE id IN (SELECT id FROM codes ORDER BY random() LIMIT 15);
SQL
	search => <<'SQL',
SET enable_seqscan = off;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM codes ORDER BY v <-> (SELECT vec(1, 16));
FETCH 3 FROM c \g /dev/null
SELECT pg_sleep(0.002) \g /dev/null
FETCH 100 FROM c \g /dev/null
COMMIT;
SQL
	define => <<'SQL',
REINDEX INDEX codes_v_idx;
SELECT pg_sleep(0.05) \g /dev/null
VACUUM FULL codes;
SELECT pg_sleep(0.05) \g /dev/null
BEGIN; DROP INDEX codes_v_idx; CREATE INDEX codes_v_idx ON codes USING hnsw (v vector_l2_ops) WITH (m = 8); COMMIT;
SELECT pg_sleep(0.05) \g /dev/null
BEGIN; TRUNCATE codes; INSERT INTO codes SELECT g, vec(g, 16) FROM generate_series(1, 50) g; ROLLBACK;
ALTER TABLE codes SET UNLOGGED;
ALTER TABLE codes SET LOGGED;
CLUSTER codes USING codes_pkey;
SELECT pg_sleep(0.05) \g /dev/null
TRUNCATE codes;
SELECT pg_sleep(0.05) \g /dev/null
SQL
	vacuum => 'VACUUM (INDEX_CLEANUP ON, SKIP_LOCKED) codes;');
is(count_errors(@errors), '', 'rebuilding, emptying and dropping disturbs nobody');
is_sound($node, 'codes', 'codes: every row is found once, the index is sound');

# ---- unlogged: empty after a crash, and usable ----

$table{forgotten} = { dim => 16, index => '(v vector_l2_ops)', rows => 300 };
create_table($node, 'forgotten', 300, kind => 'UNLOGGED');
$node->safe_psql('postgres', 'DELETE FROM forgotten WHERE id % 3 = 0; VACUUM forgotten');
is_sound($node, 'forgotten', 'an unlogged index is sound');
$node->stop('immediate');
$node->start;
is(scalar_query($node, 'SELECT count(*) FROM forgotten'), 0, 'after a crash it is empty');
is(scalar_query($node, "SELECT count(*) FROM hnsw_check('forgotten_v_idx')"), 0, 'and sound');
$node->safe_psql('postgres', 'INSERT INTO forgotten SELECT g, vec(g, 16) FROM generate_series(1, 100) g');
is_sound($node, 'forgotten', 'and takes rows');
is_sound($node, $_, "$_: sound after the crash") for qw(codes equal wide);

unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/, 'no process crashed');
$node->stop;
done_testing();
