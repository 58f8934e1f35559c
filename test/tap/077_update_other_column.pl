# An UPDATE that leaves the vector alone: the new row version goes to the element that has the
# vector, without a pending element and without linking; the graph and the file do not grow.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;

seed_random();
my $node = fault_node('update', conf => "hnsw.sync_interval = 0\nhnsw.pending_limit = 1000000\nshared_buffers = 128MB");
sub sql { return $node->safe_psql('postgres', join '', @_) }
sub status { my ($name, $columns) = @_; return sql("SELECT $columns FROM hnsw_status('${name}_v_idx')") }

# A second index keeps updates from being heap-only.
sub make
{
	my ($name, $rows, $dim, $options, $opclass) = @_;
	sql("CREATE TABLE $name (id bigint, n int DEFAULT 0, v vector($dim)) WITH (autovacuum_enabled = off);",
		"INSERT INTO $name (id, v) SELECT g, vec(g, $dim) FROM generate_series(1, $rows) g;",
		"CREATE INDEX ON $name (n);",
		"CREATE INDEX ${name}_v_idx ON $name USING hnsw (v $opclass) WITH ($options)");
}

# ---- ten rounds of UPDATE and VACUUM ----

my @cases = (
	[ 'codes', slow_tests() ? 10000 : 3000, 128, 'quantization = int8', 'vector_l2_ops', '<->' ],
	[ 'cosine', 2000, 32, 'quantization = int8', 'vector_cosine_ops', '<=>' ],
	[ 'plain', 2000, 24, 'quantization = none', 'vector_l2_ops', '<->' ],
	[ 'wide', 150, 2500, 'quantization = none', 'vector_l2_ops', '<->' ],);
for my $case (@cases)
{
	my ($name, $rows, $dim, $options, $opclass, $op) = @$case;
	make($name, $rows, $dim, $options, $opclass);
	my $size = sql("SELECT pg_relation_size('${name}_v_idx')");
	my $through = 0;
	for my $round (1 .. 10)
	{
		sql("UPDATE $name SET n = n + 1");
		$through += $rows - status($name, 'pending');
		is(status($name, 'elements + pending + duplicates'), 2 * $rows, "$name, round $round: each version is in the index")
		  if $round == 1;
		sql("SELECT hnsw_sync('${name}_v_idx'); VACUUM (INDEX_CLEANUP ON) $name");
	}
	cmp_ok($through, '>=', 0.97 * 10 * $rows, sprintf('%s: %.2f %% of the versions need no linking', $name, 10 * $through / $rows));
	# A search may miss the element, and linking too; then the old one dies with its row.
	is(status($name, 'elements, pending, duplicates'), "$rows|0|0", "$name: the graph has not grown");
	cmp_ok(status($name, 'dead'), '<=', 0.02 * $rows, "$name: hardly any element has been replaced");
	my $grown = sql("SELECT pg_relation_size('${name}_v_idx')") / $size;
	cmp_ok($grown, '<=', 1.1, sprintf('%s: the file has grown to %.2f times its size', $name, $grown));
	is(sql("SELECT hnsw_problems('$name', '$op', 1e-6, 3)"), '', "$name: every row is found once, the index is sound");
}

# ---- more versions than a slot has room for ----

make('many', 500, 16, 'm = 8', 'vector_l2_ops');
sql('UPDATE many SET n = n + 1') for 1 .. 2;
is(status('many', 'pending, elements + pending + duplicates'), '0|1500', 'three versions are in the slot');
sql('UPDATE many SET n = n + 1');
is(status('many', 'pending, elements + pending + duplicates'), '500|2000', 'for the fourth a container is needed: it is written as a pending element');
is(sql("SELECT hnsw_problems('many', '<->', 0, 3)"), '', 'each is found while pending');
sql("SELECT hnsw_sync('many_v_idx')");
is(status('many', 'pending, elements, elements + pending + duplicates'), '0|500|2000', 'and merged');
sql('UPDATE many SET n = n + 1') for 1 .. 4;
is(status('many', 'pending, elements, elements + pending + duplicates'), '0|500|4000', 'the container has room for more');
is(sql("SELECT hnsw_problems('many', '<->', 0, 3)"), '', 'the index is sound');
sql('VACUUM (INDEX_CLEANUP ON) many');
is(status('many', 'pending, elements, elements + pending + duplicates'), '0|500|500', 'VACUUM leaves one of each');
is(sql("SELECT hnsw_problems('many', '<->', 0, 3)"), '', 'the index is sound after VACUUM');

# ---- what is no unchanged vector, or has no element that is linked ----

sql('BEGIN; UPDATE many SET n = n + 1; ROLLBACK');
is(sql("SELECT hnsw_problems('many', '<->', 0, 3)"), '', 'an UPDATE that is rolled back');
sql('VACUUM (INDEX_CLEANUP ON) many; UPDATE many SET v = vec(id + 100000, 16), n = n + 1');
is(status('many', 'pending, elements + pending + duplicates'), '500|1000', 'a new vector is a new element');
sql('UPDATE many SET n = n + 1');
is(status('many', 'pending, elements + pending + duplicates'), '1000|1500', 'so is a version of one that is pending');
is(sql("SELECT hnsw_problems('many', '<->', 0, 3)"), '', 'each is found');
sql("SELECT hnsw_sync('many_v_idx')");
is(status('many', 'pending, elements'), '0|1000', 'linked: old and new vectors, the versions of each together');
sql("VACUUM (INDEX_CLEANUP ON) many; SELECT hnsw_cleanup('many_v_idx')");
is(status('many', 'elements, dead, elements + pending + duplicates'), '500|0|500', 'the old vectors are gone');
is(sql("SELECT hnsw_problems('many', '<->', 0, 3)"), '', 'the index is sound in the end');

# ---- several who update, while another links, vacuums and looks ----

make('busy', 1500, 16, 'm = 8', 'vector_l2_ops');
my @clients = map {
	my $n = $_;
	HnswClient->start($node, join '', map { "UPDATE busy SET n = n + 1 WHERE id % 3 = $n;\n" } 1 .. 8)
} 0 .. 2;
while (grep { !$_->ended } @clients)
{
	sql("VACUUM (INDEX_CLEANUP ON) busy; SELECT hnsw_sync('busy_v_idx')");
	is(sql("SET enable_seqscan = on; SET enable_sort = off; SET hnsw.iterative_scan = relaxed_order; SET hnsw.ef_search = 1000;"
		  . " SELECT count(*) FROM busy WHERE id NOT IN (SELECT id FROM (SELECT id FROM busy ORDER BY v <-> vec(1, 16)) x)"),
		0, 'a scan of everything returns every row meanwhile');
}
for my $client (@clients) { $client->finish; is($client->err, '', 'the updates succeed') }
# An element dies when VACUUM comes between the row's new version and its linking.
sql("SELECT hnsw_sync('busy_v_idx'); VACUUM (INDEX_CLEANUP ON) busy");
sql("SELECT hnsw_cleanup('busy_v_idx')");
is(status('busy', 'pending, elements, dead, duplicates'), '0|1500|0|0', 'in the end there is one element a row');
is(sql("SELECT hnsw_problems('busy', '<->', 0, 3)"), '', 'and the index is sound');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/, 'no process crashed');
$node->stop;
done_testing();
