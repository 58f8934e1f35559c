# hnsw_indexes, and hnsw_status of a partitioned index, when the metapage of one index is
# damaged: the others are listed, and a warning says which one is not well.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFault;
use HnswFile;
use HnswWorker;

my $node = fault_node('damaged', conf => 'hnsw.sync_interval = 0');
create_source($node);
quick_table($node, $_) for qw(one two three);
$node->safe_psql('postgres', "INSERT INTO $_ SELECT * FROM source LIMIT 10") for qw(one two three);
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE parted (id bigint, v vector(64)) PARTITION BY RANGE (id);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM (10) TO (100);
CREATE INDEX parted_v_idx ON parted USING hnsw (v vector_l2_ops);
INSERT INTO parted SELECT * FROM source LIMIT 30;
SQL
my %path = map { $_ => $node->data_dir . '/' . scalar_query($node, "SELECT pg_relation_filepath('${_}_v_idx')") } qw(one two parted_b);
$node->stop;

# One without its metapage, two with a page that its checksum contradicts.
my $file = HnswFile->new($path{one});
$file->zero_page(0);
$file->save;
for my $name (qw(two parted_b))
{
	open my $handle, '+<:raw', $path{$name} or die $!;
	seek $handle, 100, 0;
	print $handle "\xff" x 8;
	close $handle;
}
$node->start;

my ($out, $err);
$node->psql('postgres', "SELECT index_name, index::text, elements IS NULL, total_bytes IS NULL, pending FROM hnsw_indexes ORDER BY 1",
	stdout => \$out, stderr => \$err);
is($out, join("\n", 'one_v_idx|one_v_idx|t|t|', 'parted_a_v_idx|parted_a_v_idx|f|f|9', 'parted_b_v_idx|parted_b_v_idx|t|t|',
		'three_v_idx|three_v_idx|f|f|10', 'two_v_idx|two_v_idx|t|t|'), 'every index has a row, a damaged one with NULLs');
is(join(' ', sort $err =~ /WARNING: +index "(\w+)" cannot be read/g), 'one_v_idx parted_b_v_idx two_v_idx', 'warnings name them');
like($err, qr/DETAIL: +index "one_v_idx" is damaged/, 'and say what is wrong: that it is no metapage');
is(scalar(() = $err =~ /DETAIL: +invalid page in block 0/g), 2, 'or that it is no valid page');

$node->psql('postgres', "SELECT index, pending FROM hnsw_status('parted_v_idx') ORDER BY 1", stdout => \$out, stderr => \$err);
is($out, "parted_a_v_idx|9\nparted_b_v_idx|", 'so has every partition');
like($err, qr/WARNING/, 'with a warning');

$node->psql('postgres', "SELECT * FROM hnsw_status('one_v_idx')", stderr => \$err);
like($err, qr/ERROR: +index "one_v_idx" is damaged/, 'asked for by name it is an error');
is($node->safe_psql('postgres', "BEGIN; SELECT count(*) FROM hnsw_indexes WHERE elements IS NULL; SELECT count(*) FROM pg_locks WHERE relation = 'one_v_idx'::regclass; COMMIT"),
	"3\n0", 'no lock is left behind');
unlike(slurp_file($node->logfile), qr/PANIC|signal 11|leak/, 'no process failed by itself, nothing leaked');
$node->stop;
done_testing();
