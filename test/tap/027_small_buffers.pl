# An index that is several times larger than shared buffers: the page that a search has just
# looked for is gone when it is read. A scan that goes on to the end returns every row once,
# and the nearest rows are those that they are.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFault;

my $node = fault_node('small', conf => "hnsw.sync_interval = 0\nshared_buffers = 1MB");

# Without codes, with codes, with some elements that are measured by their vectors, and with
# vectors on pages of their own that hold few of them.
my %kind = (
	plain => [ 64, '<=>', '(v vector_cosine_ops) WITH (quantization = none)' ],
	coded => [ 64, '<->', '(v vector_l2_ops) WITH (quantization = int8)' ],
	blind => [ 64, '<->', '(v vector_l2_ops) WITH (quantization = int8)' ],
	long => [ 768, '<#>', '(v vector_ip_ops)' ],);
my $rows = 3000;

for my $name (sort keys %kind)
{
	my ($dim, $op, $index) = @{ $kind{$name} };
	my $settings = 'SET enable_seqscan = off; SET enable_sort = off; SET hnsw.ef_search = 1000;'
	  . 'SET hnsw.max_scan_tuples = 2147483647; SET hnsw.iterative_scan = relaxed_order;';
	# A third of them so near each other that no code tells them apart.
	my $vector = $name eq 'blind' ? "CASE WHEN i % 3 = 0 THEN vec(1, $dim) + vec(i, $dim) * array_fill(1e-4::real, ARRAY[$dim])::vector ELSE vec(i, $dim) END" : "vec(i, $dim)";
	$node->safe_psql('postgres', <<"SQL");
CREATE TABLE $name (id int, v vector($dim));
ALTER TABLE $name ALTER v SET STORAGE PLAIN;
INSERT INTO $name SELECT i, $vector FROM generate_series(1, $rows) i;
CREATE INDEX ON $name USING hnsw $index;
SQL
	my $status = "FROM hnsw_status('${name}_v_idx')";
	cmp_ok(scalar_query($node, "SELECT total_bytes $status"), '>', 1.2e6, "$name: the index is larger than shared buffers");
	cmp_ok(scalar_query($node, "SELECT exact_elements $status"), '>', $rows / 10, "$name: some elements are measured by their vectors")
	  if $name eq 'blind';
	my $whole = "SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM $name ORDER BY v $op (SELECT v FROM $name WHERE id = 7)) x;";
	is($node->safe_psql('postgres', $settings . $whole x 4), join("\n", ("$rows|$rows") x 4),
		"$name: scans to the end return every row once");
	my $nearest = "SELECT q.id, array(SELECT v $op q.v FROM $name ORDER BY v $op q.v LIMIT 10) FROM (SELECT * FROM $name WHERE id % 100 = 0 ORDER BY id) q";
	is($node->safe_psql('postgres', "$settings SET hnsw.ef_search = $rows; $nearest"),
		$node->safe_psql('postgres', "SET enable_indexscan = off; $nearest"),
		"$name: the nearest are the nearest");
	is($node->safe_psql('postgres', "SELECT * FROM hnsw_check('${name}_v_idx', true)"), '', "$name: the index is sound");
}
$node->stop;
done_testing();
