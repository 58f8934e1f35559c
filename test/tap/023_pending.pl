# What pending elements promise, without a worker: rows are found at once and
# exactly, whether they are pending, linked one by one or linked in memory, each
# once; and no more are pending than hnsw.pending_limit allows.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;

seed_random();
my $node = fault_node('pending', conf => "hnsw.sync_interval = 0\nhnsw.pending_limit = 1000000");

# differences(table, op, dim): a text for every search of the index whose rows or
# whose order are not those of a sorted sequential scan. Enough candidates for all
# rows, so nothing is approximate.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION rows_of(query text, by_index boolean, OUT ids bigint[], OUT distances float8[])
LANGUAGE plpgsql SET enable_sort = on SET enable_seqscan = on SET enable_indexscan = on AS $$
BEGIN
  -- What is set here ends with the call, because the function has a SET of its own for it.
  PERFORM set_config('enable_seqscan', (NOT by_index)::text, true),
          set_config('enable_indexscan', by_index::text, true);
  EXECUTE format('SELECT array_agg(id ORDER BY id), array_agg(d) FROM (%s) x', query) INTO ids, distances;
END $$;

CREATE FUNCTION differences(tab text, op text, dim int) RETURNS SETOF text LANGUAGE plpgsql
SET hnsw.ef_search = 10000 SET hnsw.max_scan_tuples = 1000000 SET enable_bitmapscan = off AS $$
DECLARE
  mode text;
  most text;
  query text;
  got record;
  wanted record;
BEGIN
  FOREACH mode IN ARRAY '{off,relaxed_order,strict_order}'::text[] LOOP
    PERFORM set_config('hnsw.iterative_scan', mode, true);
    FOREACH most IN ARRAY '{10,ALL}'::text[] LOOP
      FOR n IN 1..3 LOOP
        query := format('SELECT id, v %2$s vec(%1$s, %3$s) AS d FROM %4$s ORDER BY v %2$s vec(%1$s, %3$s) LIMIT %5$s',
                        -n, op, dim, tab, most);
        got := rows_of(query, true);
        wanted := rows_of(query, false);
        IF got.distances IS DISTINCT FROM wanted.distances OR most = 'ALL' AND got.ids IS DISTINCT FROM wanted.ids THEN
          RETURN NEXT format('%s, %s, limit %s: %s rows, wanted %s', tab, mode, most,
                             cardinality(got.ids), cardinality(wanted.ids));
        END IF;
      END LOOP;
    END LOOP;
    -- Without a query: all rows, in any order.
    query := format('SELECT id, 0 AS d FROM %s ORDER BY v %s (SELECT NULL::vector)', tab, op);
    got := rows_of(query, true);
    wanted := rows_of(query, false);
    IF got.ids IS DISTINCT FROM wanted.ids THEN
      RETURN NEXT format('%s, %s, no query: %s rows, wanted %s', tab, mode, cardinality(got.ids), cardinality(wanted.ids));
    END IF;
  END LOOP;
  IF NOT uses_index(format('SELECT id FROM %s ORDER BY v %s vec(1, %s)', tab, op, dim)) THEN
    RETURN NEXT 'the index is not used';
  END IF;
END $$;
ALTER FUNCTION uses_index SET enable_seqscan = off;
SQL

sub sql { return $node->safe_psql('postgres', join '', @_) }

sub status
{
	my ($name, $column) = @_;
	return sql("SELECT $column FROM hnsw_status('${name}_v_idx')");
}

sub check { return sql("SELECT * FROM hnsw_check('$_[0]_v_idx', true)") }

# Rows are those of the table, and the index is sound.
sub is_exact
{
	my ($name, $what, $op, $dim) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(sql("SELECT differences('$name', '$op', $dim)") . check($name), '', "$name, $what");
}

sub rows { my ($dim, $from, $to) = @_; return "SELECT g, vec(g, $dim) FROM generate_series($from, $to) g" }

sub make
{
	my ($name, $dim, $linked, $options, $opclass, $settings) = @_;
	$opclass //= 'vector_l2_ops';
	sql("CREATE TABLE $name (id bigint, v vector($dim));",
		$linked ? "INSERT INTO $name " . rows($dim, 1, $linked) . ';' : '',
		($settings // '') . "CREATE INDEX ${name}_v_idx ON $name USING hnsw (v $opclass) WITH ($options)");
}

# ---- few and many pending beside a graph, then linked ----

my @cases = (
	[ 'flat', 3, 'quantization = none', '<->', 'vector_l2_ops', 1400 ],
	[ 'flat8', 3, 'quantization = int8', '<#>', 'vector_ip_ops', 2000 ],
	[ 'codes', 128, 'quantization = int8', '<=>', 'vector_cosine_ops', 1400 ],
	[ 'exact', 128, 'quantization = none', '<->', 'vector_l2_ops', 400 ],
	[ 'wide', 2000, 'quantization = none', '<->', 'vector_l2_ops', 40 ],
	[ 'wide8', 2000, 'quantization = int8', '<->', 'vector_l2_ops', 40 ],);
for my $case (@cases)
{
	my ($name, $dim, $options, $op, $opclass, $many) = @$case;
	my $few = $dim > 1000 ? 30 : 100;
	make($name, $dim, $few, $options, $opclass);
	# The next statement of the same transaction finds them, others do not yet.
	my $session = $node->background_psql('postgres');
	$session->query_safe('BEGIN; INSERT INTO ' . $name . ' ' . rows($dim, 1001, 1000 + $few));
	is($session->query_safe("SELECT differences('$name', '$op', $dim)"), '', "$name: found by the inserting transaction");
	is_exact($name, 'not found by others before the commit', $op, $dim);
	$session->query_safe('COMMIT');
	is(status($name, 'pending'), $few, "$name: $few are pending");
	is_exact($name, 'all are found after the commit', $op, $dim);
	$session->quit;
	sql("INSERT INTO $name " . rows($dim, 2001, 2000 + $many));
	is_exact($name, "with $many more", $op, $dim);
	# The same vectors again: beside linked and beside pending ones.
	sql("INSERT INTO $name SELECT id + 100000, v FROM $name WHERE id BETWEEN 1 AND 9 OR id BETWEEN 1001 AND 1009;" x 3);
	is_exact($name, 'with equal ones', $op, $dim);
	my $pending = $few + $many + 54;
	is(status($name, 'pending'), $pending, "$name: all of them are pending");
	is(sql("SELECT hnsw_sync('${name}_v_idx')"), $pending, "$name: hnsw_sync links them");
	is(status($name, 'pending, duplicates, last_sync > now() - interval \'1 minute\''), '0|54|t', "$name: none is left, the equal ones share elements");
	is_exact($name, 'after hnsw_sync', $op, $dim);
}

# ---- deleted while pending ----

make('gone', 8, 100, 'm = 8');
sql('INSERT INTO gone ' . rows(8, 1001, 1300));
sql("BEGIN; INSERT INTO gone " . rows(8, 5001, 5100) . "; ROLLBACK");
sql('DELETE FROM gone WHERE id % 3 = 0');
is_exact('gone', 'deleted', '<->', 8);
sql('VACUUM (INDEX_CLEANUP ON) gone');
is_exact('gone', 'deleted and vacuumed', '<->', 8);
is(status('gone', 'pending, dead'), '400|33', 'VACUUM leaves them pending, without a row');
sql('INSERT INTO gone ' . rows(8, 6001, 6100));    # into the heap's free places
is_exact('gone', 'other rows where they were', '<->', 8);
sql("SELECT hnsw_sync('gone_v_idx')");
is(status('gone', 'pending, dead, free, elements'), '0|33|200|367', 'linking frees what has no row');
is_exact('gone', 'linked', '<->', 8);
sql("DELETE FROM gone WHERE id % 2 = 0; VACUUM (INDEX_CLEANUP ON) gone; INSERT INTO gone " . rows(8, 7001, 7050));
is_exact('gone', 'with dead ones', '<->', 8);
sql("SELECT hnsw_cleanup('gone_v_idx')");
is(status('gone', 'pending, dead'), '50|0', 'hnsw_cleanup leaves the pending ones');
is_exact('gone', 'cleaned up', '<->', 8);
sql('DELETE FROM gone; VACUUM (INDEX_CLEANUP ON) gone');
sql("SELECT hnsw_cleanup('gone_v_idx'), hnsw_sync('gone_v_idx')");
is(status('gone', 'pending, dead, elements, levels'), '0|0|0|0', 'of an emptied table nothing is left');
is_exact('gone', 'emptied', '<->', 8);
sql('INSERT INTO gone ' . rows(8, 1, 40));
is_exact('gone', 'filled again', '<->', 8);
sql("SELECT hnsw_sync('gone_v_idx')");
is_exact('gone', 'and linked', '<->', 8);

# ---- more runs of ids than the list has room for ----

# Slots in the order of rows: the index is too large for the cache to be put into another.
make('runs', 3, 2600, 'm = 4, ef_construction = 16, quantization = int8', 'vector_l2_ops', 'SET effective_cache_size = 1;');
sql('DELETE FROM runs WHERE id % 2 = 0; VACUUM (INDEX_CLEANUP ON) runs');
is(sql("SELECT hnsw_cleanup('runs_v_idx')"), 1300, 'every other slot is free');
sql('INSERT INTO runs ' . rows(3, 10001, 11300));
is(status('runs', 'pending'), 1300, 'more are pending than there is room for runs');
cmp_ok(status('runs', 'free'), '>', 0, 'so slots never used were taken');
is_exact('runs', 'scattered', '<->', 3);
sql("SET hnsw.pending_limit = 1299; INSERT INTO runs " . rows(3, 12001, 12001));
cmp_ok(status('runs', 'pending'), '<', 1300, 'some are linked');
sql('INSERT INTO runs ' . rows(3, 13001, 13400));
is_exact('runs', 'scattered, with more at the end', '<->', 3);
sql("SELECT hnsw_sync('runs_v_idx')");
is_exact('runs', 'linked', '<->', 3);
my $free = status('runs', 'free');
sql('INSERT INTO runs ' . rows(3, 14001, 14100));
is(status('runs', 'free'), $free - 100, 'then free slots are taken again');
is_exact('runs', 'once more', '<->', 3);

# ---- how many may be pending ----

make('bound', 8, 0, 'm = 8');
sql('SET hnsw.pending_limit = 50', ";DO \$\$BEGIN FOR i IN 1..300 LOOP INSERT INTO bound " . rows(8, 'i', 'i')
	  . "; IF (SELECT pending FROM hnsw_status('bound_v_idx')) > 50 THEN RAISE 'too many'; END IF; END LOOP; END\$\$");
cmp_ok(status('bound', 'pending'), '>', 0, 'below hnsw.pending_limit insertions link nothing');
is_exact('bound', 'insertions have linked some', '<->', 8);
sql('SET hnsw.pending_limit = 0; INSERT INTO bound ' . rows(8, 1001, 1002));
is(status('bound', 'pending <= 1'), 't', 'hnsw.pending_limit = 0 leaves none for long');
sql('INSERT INTO bound ' . rows(8, 2001, 2040));
sql('ALTER INDEX bound_v_idx SET (sync = immediate); INSERT INTO bound ' . rows(8, 3001, 3001));
is(status('bound', 'pending'), 0, 'sync = immediate links all that was pending');
sql('INSERT INTO bound ' . rows(8, 3002, 3010));
is(status('bound', 'pending'), 0, 'and leaves none');
sql('ALTER INDEX bound_v_idx RESET (sync); INSERT INTO bound ' . rows(8, 4001, 4010));
is(status('bound', 'pending'), 10, 'the default leaves them to others');
is_exact('bound', 'all is well', '<->', 8);
is(sql('CREATE TEMP TABLE t (id bigint, v vector(8)); CREATE INDEX t_v_idx ON t USING hnsw (v vector_l2_ops);'
		  . 'INSERT INTO t ' . rows(8, 1, 50) . ";SELECT pending, elements FROM hnsw_status('t_v_idx');"
		  . "DELETE FROM t WHERE id <= 25; VACUUM (INDEX_CLEANUP ON) t; SELECT dead, elements FROM hnsw_status('t_v_idx');"
		  . "SELECT * FROM hnsw_check('t_v_idx', true)"),
	"0|50\n0|25", 'in temporary tables nothing is pending, and VACUUM frees what is dead');

# ---- more rows than one round of a search has ----

make('rounds', 24, 1500, 'm = 16');
sql('INSERT INTO rounds ' . rows(24, 2001, 3000));
is(status('rounds', 'pending'), 1000, 'a third is pending');
for my $order (qw(strict_order relaxed_order))
{
	# Searches for 100 rows with 40 candidates a round.
	my $found = sql(<<"SQL");
SET hnsw.ef_search = 40; SET hnsw.iterative_scan = $order;
SELECT count(*) FROM (SELECT q, vec(-q, 24) AS v FROM generate_series(1, 20) q OFFSET 0) w,
  LATERAL (SELECT array_agg(id) AS ids FROM (SELECT id FROM (SELECT id, v FROM rounds OFFSET 0) e ORDER BY e.v <-> w.v LIMIT 100) x) exact,
  LATERAL (SELECT id FROM rounds ORDER BY v <-> w.v LIMIT 100) f WHERE f.id = ANY (exact.ids)
SQL
	cmp_ok($found, '>=', 1850, "$order: $found of 2000 rows, pending and linked ones mixed");
}

# ---- recall of what was linked in memory, or one by one ----

# recall@10 of searches with 30 candidates, as rows found of 2000.
sub recall
{
	my ($name, $dim) = @_;
	return sql(<<"SQL");
SET hnsw.ef_search = 30; SET enable_seqscan = off;
SELECT count(*) FROM wanted w,
  LATERAL (SELECT id FROM $name ORDER BY v <-> w.v LIMIT 10) f WHERE f.id = ANY (w.ids)
SQL
}

my ($rows, $dim) = (4500, 24);
make('filled', $dim, 0, 'm = 12');
sql('INSERT INTO filled ' . rows($dim, 1, $rows) . '; ANALYZE filled');
sql("CREATE TABLE wanted AS SELECT q, v, (SELECT array_agg(id) FROM (SELECT id FROM filled f ORDER BY f.v <-> w.v, id LIMIT 10) x) AS ids"
	  . " FROM (SELECT q, vec(-q, $dim) AS v FROM generate_series(1, 200) q OFFSET 0) w");
sql("SET maintenance_work_mem = '64MB'; SELECT hnsw_sync('filled_v_idx')");
my %recall = (filled => recall('filled', $dim));
is(check('filled'), '', 'linked in memory, from nothing: sound');
my %way = (beside => [ '64MB', 2 ], less => [ '64MB', 1.8 ], single => [ '1MB', 2 ]);
for my $name (sort keys %way)
{
	my ($memory, $part) = @{ $way{$name} };
	make($name, $dim, int($rows / $part), 'm = 12');
	sql("INSERT INTO $name SELECT id, v FROM filled WHERE id > " . int($rows / $part) . ' ORDER BY id');
	sql("SET maintenance_work_mem = '$memory'; SELECT hnsw_sync('${name}_v_idx')");
	is(status($name, 'pending'), 0, "$name: all are linked");
	$recall{$name} = recall($name, $dim);
	is(check($name), '', "$name: sound");
}
sql('REINDEX INDEX filled_v_idx');
my $fresh = recall('filled', $dim);
for my $name (sort keys %recall)
{
	cmp_ok($recall{$name} / 2000, '>=', $fresh / 2000 - 0.01, "$name: recall $recall{$name} of 2000, built anew $fresh");
}

# ---- linking in memory while rows are deleted, vacuumed and inserted ----

make('busy', 64, 500, 'm = 16, ef_construction = 200');
sql('INSERT INTO busy ' . rows(64, 1001, 3500));
sql('INSERT INTO busy SELECT id + 10000, v FROM busy WHERE id % 10 = 0');
my $sync = HnswClient->start($node, "SELECT hnsw_sync('busy_v_idx');");
$sync->backend;
my $during = 0;
for my $i (1 .. 8)
{
	sql("DELETE FROM busy WHERE id % 23 = $i; VACUUM (INDEX_CLEANUP ON) busy; INSERT INTO busy " . rows(64, 20000 + $i * 10, 20009 + $i * 10));
	$during++ unless $sync->ended;
}
$sync->finish;
is($sync->err, '', 'linking succeeds beside VACUUM and insertions');
note("$during rounds fell into it");
is_exact('busy', 'after linking beside VACUUM', '<->', 64);
sql("SELECT hnsw_cleanup('busy_v_idx'), hnsw_sync('busy_v_idx')");
is(status('busy', 'pending, dead'), '0|0', 'nothing is left to do');
is_exact('busy', 'in the end', '<->', 64);

$node->stop;
done_testing();
