# An index learns a code book from its own elements where it has none that serves: one that
# was created empty, and one whose data have drifted. Then all codes are made anew; meanwhile
# everybody else goes on, and after a crash it is gone on with.
use strict;
use warnings;
use List::Util qw(sum);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;

seed_random();
# Of the rows one in so many is looked for; with PG_TEST_EXTRA=slow each.
my $part = ($ENV{PG_TEST_EXTRA} // '') =~ /\bslow\b/ ? 1 : 11;
my $dim = 24;
my $node = fault_node('learns',
	streaming => 1,
	conf => "wal_consistency_checking = 'generic'\nhnsw.sync_interval = 0\nhnsw.pending_limit = 1000000\n"
	  . "max_wal_size = 2GB\nwal_keep_size = 4GB\nmaintenance_work_mem = 256MB\nhot_standby_feedback = off");
$node->safe_psql('postgres', <<"SQL");
CREATE FUNCTION hold_graph_lock(regclass) RETURNS void LANGUAGE C AS 'hnswpg_test';
CREATE FUNCTION release_graph_lock(regclass) RETURNS void LANGUAGE C AS 'hnswpg_test';
-- Around 100 in each dimension: seen from the origin all codes look alike.
CREATE FUNCTION away(id bigint) RETURNS vector LANGUAGE sql IMMUTABLE
RETURN (SELECT array_agg(100 + (hashint8extended(id, d) & 65535) / 32768.0 - 1)::real[]::vector
  FROM generate_series(1, $dim) d);
CREATE TABLE queries AS SELECT q, away(-q) AS v FROM generate_series(1, 200) q;
ALTER TABLE queries ALTER v SET STORAGE plain;
SQL

my $status = 'SELECT code_book, exact_elements, elements FROM hnsw_status';
sub sql { return $node->safe_psql('postgres', join ';', @_) }
sub book { return (split /\|/, sql("$status('$_[0]_v_idx')"))[0] }
sub exact { return (split /\|/, sql("$status('$_[0]_v_idx')"))[1] }
sub linked { return (split /\|/, sql("$status('$_[0]_v_idx')"))[2] }
sub table_of
{
	my ($name, $with, $rows) = @_;
	return sql('SET client_min_messages = warning', "DROP TABLE IF EXISTS $name; CREATE TABLE $name (id bigint, v vector($dim))",
		$rows // 'SELECT 1', "CREATE INDEX ${name}_v_idx ON $name USING hnsw (v vector_l2_ops) $with");
}
my $int8 = 'WITH (quantization = int8)';

# Rows are found by their own vectors, a scan of all gives each row once, hnsw_check finds
# nothing, the table's rows in the index included.
sub is_whole
{
	my ($name, $what, $max_equal) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(sql("SELECT hnsw_problems('$name', '<->', 0, " . ($max_equal // 3) . ", $part)"), '', "$what: all is well");
}

# The part of the ten nearest that the index finds.
sub recall
{
	my ($name) = @_;
	return sql(<<"SQL");
CREATE TEMP TABLE exact AS SELECT q, x.id FROM queries q,
  LATERAL (SELECT id FROM $name t ORDER BY t.v <-> q.v, id LIMIT 10) x;
SET enable_seqscan = off; SET enable_sort = off; SET hnsw.ef_search = 100;
SELECT count(*) / 2000.0 FROM exact JOIN (SELECT q, x.id FROM queries q,
  LATERAL (SELECT id FROM $name t ORDER BY t.v <-> q.v LIMIT 10) x) found USING (q, id)
SQL
}

# Rows [from, to] of a table, around 100.
sub rows { my ($name, $from, $to) = @_; return "INSERT INTO $name SELECT g, away(g) FROM generate_series($from, $to) g" }
sub sync { my ($name) = @_; return sql("SELECT hnsw_sync('${name}_v_idx')") }
my $vacuum = 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF)';

# ---- created empty ----

table_of('none', 'WITH (quantization = none)');
table_of('empty', $int8);
# One by one, then in memory; too few to learn from, then enough.
for my $name (qw(none empty))
{
	sql('SET hnsw.pending_limit = 50', rows($name, 1, 900));
	sync($name);
}
is(book('empty'), 1, 'an index of few elements keeps its first book');
cmp_ok(exact('empty'), '>', 800, 'which does not serve');
for my $name (qw(none empty))
{
	sql('SET hnsw.pending_limit = 50', rows($name, 901, 2000));
	sync($name);
	sql(rows($name, 2001, 4000));
	sync($name);
}
is(book('empty'), 2, 'a larger one has learnt another');
cmp_ok(exact('empty'), '<', 40, 'by which hardly any element is measured exactly');
is_whole('empty', 'created empty');
my ($none, $ours) = map { recall($_) } qw(none empty);
cmp_ok($ours, '>=', $none - 0.005, "created empty: recall $ours, without codes $none");

my $lsn = sql('SELECT pg_current_wal_insert_lsn()');
sync('empty');
is(sql('SELECT pg_current_wal_insert_lsn()'), $lsn, 'where all is well nothing is done');

# ---- drifted ----

table_of('drift', $int8, "INSERT INTO drift SELECT g, vec(g, $dim) FROM generate_series(1, 3000) g");
is(book('drift') . ' ' . exact('drift'), '2 0', 'built on what lies around the origin');
sql('SET hnsw.pending_limit = 50', rows('drift', 3001, 6000), 'UPDATE drift SET v = away(id) WHERE id <= 3000');
sync('drift');
is(book('drift'), 3, 'rows that lie elsewhere make it learn');
is_whole('drift', 'drifted');
cmp_ok(exact('drift'), '<=', 3060, 'by which the newer ones have good codes');
sql("$vacuum drift", "SELECT hnsw_cleanup('drift_v_idx')");
sync('drift');
cmp_ok(exact('drift'), '<', 60, 'and when the old ones are gone, nearly all');
is_whole('drift', 'drifted, the old rows gone');
$ours = recall('drift');
cmp_ok($ours, '>=', $none - 0.005, "drifted: recall $ours, without codes $none");

# All rows replaced, none added.
table_of('replaced', $int8, "INSERT INTO replaced SELECT g, vec(g, $dim) FROM generate_series(1, 2000) g");
sql('UPDATE replaced SET v = away(id)', "$vacuum replaced");
sync('replaced');
is(book('replaced'), 3, 'an index that has not grown learns too');
cmp_ok(exact('replaced'), '<', 20, 'when its rows were replaced');
is_whole('replaced', 'replaced');

# ---- nothing to be learnt ----

# One dimension is so wide that the others vanish beside it, from whatever centre.
table_of('blind', $int8);
sql("INSERT INTO blind SELECT g, ('[' || (1e6 * sin(g)) || ',' || substr(vec(g, @{[$dim - 1]})::text, 2))::vector FROM generate_series(1, 2500) g");
sync('blind');
is(book('blind'), 1, 'where no book serves the first one stays');
cmp_ok(exact('blind'), '>', 1500, 'and elements are measured exactly');
$lsn = sql('SELECT pg_current_wal_insert_lsn()');
sync('blind');
is(sql('SELECT pg_current_wal_insert_lsn()'), $lsn, 'it is not looked for again');
is_whole('blind', 'nothing to be learnt');

# Around the origin the first book serves.
table_of('centred', $int8);
sql("INSERT INTO centred SELECT g, vec(g, $dim) FROM generate_series(1, 2500) g");
sync('centred');
is(book('centred') . ' ' . (exact('centred') < 25 ? 'few' : exact('centred')), '1 few', 'a first book that serves stays');

# ---- what goes on meanwhile ----

# Starts hnsw_sync, and takes the graph lock away from it in a pass over the elements: 1 writes
# codes, 2 judges them. $make makes the table, with rows that are pending; again, where the
# moment was missed. Returns the client that syncs.
my $held;    # the session that holds the lock
sub stop_in_pass
{
	my ($name, $pass, $make) = @_;
	for (1 .. 8)
	{
		$make->();
		$held = $node->background_psql('postgres');
		my $client = HnswClient->start($node, "SELECT hnsw_sync('${name}_v_idx');\n\\echo ack synced\n");
		my $stopped = $pass == 1 ? stop_coding($name) : stop_judging($name);
		return $client if $stopped && recoding($name) == $pass;
		note('too late');
		$held->quit;
		$client->finish;
	}
	die "no luck in stopping it in pass $pass";
}

# SQL that waits until the condition on what hnsw_status says holds.
sub until_status
{
	my ($name, $condition) = @_;
	return <<"SQL";
DO \$\$
DECLARE until timestamptz := clock_timestamp() + '60 s';
BEGIN
  LOOP
    EXIT WHEN (SELECT $condition FROM hnsw_status('${name}_v_idx')) OR clock_timestamp() > until;
    PERFORM pg_sleep(0.0005);
  END LOOP;
END \$\$;
SQL
}

sub stop_judging
{
	my ($name) = @_;
	$held->query_safe(until_status($name, "code_book > 1 AND exact_elements < elements") . "SELECT hold_graph_lock('${name}_v_idx')");
	return 1;
}

# Waits until somebody waits for the graph lock; false if nobody does.
sub somebody_waits
{
	my ($name, $n) = @_;
	return wait_until(sub {
			sql("SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND objid = '${name}_v_idx'::regclass AND objsubid = 1 AND NOT granted") == ($n // 1)
		}, 5);
}

# The pass is short. So the lock is held while the book is learnt, and others queue up for it
# in turn: who names the book; one who holds it until the next two are there; who writes codes,
# who gives it up after a turn; and we.
sub stop_coding
{
	my ($name) = @_;
	$held->query_safe(until_status($name, 'pending = 0') . "SELECT hold_graph_lock('${name}_v_idx')");
	return 0 unless book($name) == 1 && somebody_waits($name);
	my $between = HnswClient->start($node, "SELECT hold_graph_lock('${name}_v_idx');\nSELECT 'there';\nSELECT pg_sleep(3);\nSELECT release_graph_lock('${name}_v_idx');\n");
	somebody_waits($name, 2) or return 0;
	$held->query_safe("SELECT release_graph_lock('${name}_v_idx')");
	return 0 unless $between->wait_for(qr/^there$/m) && somebody_waits($name);
	$held->query_safe("SELECT hold_graph_lock('${name}_v_idx')");
	$between->finish;
	return 1;
}
sub let_go { my ($name) = @_; $held->query_safe("SELECT release_graph_lock('${name}_v_idx')"); $held->quit; return }

# Field of the metapage.
sub recoding
{
	my ($name) = @_;
	return sql('CHECKPOINT', "SELECT get_byte(pg_read_binary_file(pg_relation_filepath('${name}_v_idx'), 24 + 128, 1), 0)");
}

my $n = 6000;
for my $pass (1, 2)
{
	# A search that begins before and ends after it.
	my ($reader, @seen);
	my $client = stop_in_pass('busy', $pass, sub {
			$reader->quit if $reader;
			table_of('busy', $int8);
			sql(rows('busy', 1, $n));
			$reader = $node->background_psql('postgres');
			$reader->query_safe("SET hnsw.iterative_scan = relaxed_order; SET hnsw.max_scan_tuples = 1000000; SET enable_seqscan = off;"
				  . "BEGIN; DECLARE c CURSOR FOR SELECT id FROM busy ORDER BY v <-> (SELECT v FROM queries WHERE q = 7)");
			@seen = split /\n/, $reader->query_safe('FETCH 30 FROM c');
		});
	my ($exact, $linked) = (exact('busy'), linked('busy'));
	cmp_ok($exact, $pass == 1 ? '==' : '<', $linked, "pass $pass: $exact of $linked are measured exactly");
	cmp_ok($exact, '>', 0, "pass $pass: some are left");
	# While some codes are old and some new, and the list of pending ones has both.
	sql(rows('busy', $n + 1, $n + 200), 'INSERT INTO busy SELECT id + 100000, v FROM busy WHERE id % 9 = 1 AND id <= 4500');
	is(sql('SET enable_seqscan = off; SET hnsw.ef_search = 200',
			"SELECT count(*) FROM busy b WHERE b.id % $part = 0 AND NOT EXISTS (SELECT FROM (SELECT id, v <-> b.v AS d FROM busy s ORDER BY v <-> b.v LIMIT 3) x WHERE x.id = b.id AND d = 0)"),
		0, "pass $pass: every row is found");
	is(sql("SET enable_seqscan = off; SET hnsw.iterative_scan = relaxed_order; SET hnsw.max_scan_tuples = 1000000",
			"SELECT count(*) || ' ' || count(DISTINCT id) FROM (SELECT id FROM busy ORDER BY v <-> (SELECT v FROM queries WHERE q = 3) LIMIT 100000) x"),
		join(' ', ($n + 700) x 2), "pass $pass: a large LIMIT gives every row once");
	push @seen, split /\n/, $reader->query_safe('FETCH 2000 FROM c');

	# VACUUM marks as soon as it gets the lock, and so do others; each waits for it.
	sql("DELETE FROM busy WHERE id % 20 = 3 AND id <= $n");
	my @others = map { HnswClient->start($node, $_) }
	  "$vacuum busy; SELECT hnsw_cleanup('busy_v_idx');\n",
	  (map { "SET hnsw.pending_limit = 10;\n" . join('', map { "INSERT INTO busy SELECT id + 200000, v FROM busy WHERE id % 1000 = $_;\n" } $_ * 10 + 1 .. $_ * 10 + 10) } 1 .. 2),
	  join('', map { "SET enable_seqscan = off; SELECT 'lost ' || q.id FROM (SELECT * FROM busy WHERE id BETWEEN $_ * 100 + 4 AND $_ * 100 + 20) q WHERE NOT EXISTS (SELECT FROM (SELECT id, v <-> q.v AS d FROM busy s ORDER BY v <-> q.v LIMIT 6) x WHERE x.d = 0);\n" } 1 .. 10);
	let_go('busy');
	is($client->finish, 0, "pass $pass: it goes on to the end");
	is(sum(map { $_->finish } @others), 0, "pass $pass: and so do all others");
	is(join('', map { $_->err } @others), '', "pass $pass: without a complaint");
	is(join(' ', grep { /lost/ } map { $_->out } @others), '', "pass $pass: meanwhile every row is found");
	push @seen, split /\n/, $reader->query_safe('FETCH ALL FROM c');
	my %seen = map { $_ => 1 } @seen;
	is(scalar(@seen) . ' ' . scalar(keys %seen), "$n $n", "pass $pass: an older scan gives all rows of its snapshot, once");
	$reader->quit;
	# Its snapshot kept the deleted rows.
	sql("$vacuum busy", "SELECT hnsw_cleanup('busy_v_idx')");
	sync('busy');
	is(recoding('busy'), 0, "pass $pass: nothing is left to do");
	is_whole('busy', "pass $pass", 8);
	is(linked('busy'), sql('SELECT count(DISTINCT v::text) FROM busy'), "pass $pass: equal vectors share elements");
	cmp_ok(exact('busy'), '<', 0.02 * $n, "pass $pass: hardly any is measured exactly");
}

# ---- codes that change between the walk and the reading ----

# With so many dimensions a search reads what its walk has found little by little.
sql('SET client_min_messages = warning', 'CREATE TABLE late (id bigint, v vector(96))',
	'INSERT INTO late SELECT g, vec(g, 96) FROM generate_series(1, 1500) g',
	"CREATE INDEX late_v_idx ON late USING hnsw (v vector_l2_ops) $int8");
my $late = $node->background_psql('postgres');
$late->query_safe('SET enable_seqscan = off; SET hnsw.ef_search = 800; SET hnsw.iterative_scan = off; BEGIN;'
	  . 'DECLARE c CURSOR FOR SELECT id, v <-> vec(-1, 96) FROM late ORDER BY v <-> vec(-1, 96) LIMIT 800');
my @found = split /\n/, $late->query_safe('FETCH 3 FROM c');
sql('INSERT INTO late SELECT g, (SELECT array_agg(100 + x) FROM unnest(vec(g, 96)::real[]) x)::vector FROM generate_series(1501, 5000) g');
sync('late');
is(book('late'), 3, 'codes are made anew while a search is at its finalists');
push @found, split /\n/, $late->query_safe('FETCH ALL FROM c');
$late->quit;
my %found = map { (split /\|/)[0] => 1 } @found;
is(@found . ' ' . keys %found, '800 800', 'it gives each of them once');
my @distances = map { (split /\|/)[1] } @found;
is(scalar(grep { $distances[ $_ - 1 ] > $distances[$_] } 1 .. $#distances), 0, 'in order');

# ---- crashes ----

for my $pass (1, 2)
{
	my $client = stop_in_pass('crash', $pass, sub { table_of('crash', $int8); sql(rows('crash', 1, $n)) });
	sql(rows('crash', $n + 1, $n + 100), 'CHECKPOINT', rows('crash', $n + 101, $n + 200));
	$node->stop('immediate');
	$client->finish;
	eval { $held->quit };
	$node->start;
	is(recoding('crash'), $pass, "crash in pass $pass: it is left in the middle");
	is_whole('crash', "crash in pass $pass");
	# Insertions link some themselves, which makes no codes: equal ones meet codes by either book.
	sql('SET hnsw.pending_limit = 0', "INSERT INTO crash SELECT id + 100000, v FROM crash WHERE id % 40 = 7 AND id <= $n");
	is(sql("SELECT elements + pending FROM hnsw_status('crash_v_idx')"), $n + 200, "crash in pass $pass: equal vectors share elements");
	sync('crash');
	is(recoding('crash'), 0, "crash in pass $pass: it is gone on with");
	cmp_ok(exact('crash'), '<', 0.02 * $n, "crash in pass $pass: to the end");
	is(book('crash'), 2, "crash in pass $pass: by the same book");
	is_whole('crash', "crash in pass $pass, afterwards");
}

# ---- the worker, and a standby that replays it all ----

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
sql('ALTER SYSTEM SET hnsw.sync_interval = 1', 'SELECT pg_reload_conf()');
table_of('worked', $int8);
sql(rows('worked', 1, 3000));
ok(wait_until(sub { book('worked') == 2 && recoding('worked') == 0 }, 60), 'the worker learns');
cmp_ok(exact('worked'), '<', 60, 'and makes the codes');
is_whole('worked', 'by the worker');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql('postgres', "SELECT hnsw_problems('worked', '<->', 0, 3, $part)"), '', 'on the standby all is well');
is($standby->safe_psql('postgres', "$status('worked_v_idx')"), sql("$status('worked_v_idx')"), 'and it knows the same');

unlike(slurp_file($_->logfile), qr/inconsistent page found|PANIC|signal 11/, $_->name . ': nothing went wrong') for $node, $standby;
$_->stop for $standby, $node;
done_testing();
