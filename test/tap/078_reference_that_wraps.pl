# A neighbour's id that is damaged, in an index whose elements take several pages: the number
# of its block does not fit into 32 bits, and what is left of it is a page of another element.
# Who reads that element by its id says where the damage is, and takes nothing from there.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFile;

my $NONE = HnswFile::NONE;
my $n_rows = 12;

my $node = PostgreSQL::Test::Cluster->new('wraps');
$node->init;
PostgreSQL::Test::Utils::system_log('pg_checksums', '--disable', '-D', $node->data_dir);
$node->append_conf('postgresql.conf', "autovacuum = off\nhnsw.sync_interval = 0\n");
$node->start;
$node->safe_psql('postgres', qq{
	CREATE EXTENSION hnswpg;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	  \$\$SELECT array_agg((j = i)::int::real)::vector FROM generate_series(1, 2100) j\$\$;
	CREATE TABLE t (id int, v vector(2100));
	CREATE INDEX t_v_idx ON t USING hnsw (v vector_l2_ops)
	  WITH (m = 2, ef_construction = 4, quantization = none, sync = immediate);
	INSERT INTO t SELECT i, vec(i) FROM generate_series(1, $n_rows) i;
	CHECKPOINT;
});
my $path = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('t_v_idx')");
$node->stop;

# An id whose block is that of element 5, and 2^32 or a multiple of it.
sub wrapping_id
{
	my ($f) = @_;
	my ($elements, $pages) = ($f->{elements}, $f->{chunk});
	for my $times (1 .. $pages)
	{
		my $chunk = int($times * 2**32 / $pages);
		for my $id (map { $_ * $elements .. ($_ + 1) * $elements - 1 } $chunk, $chunk + 1)
		{
			return $id if $id < $NONE && $f->slot_block($id) - $times * 2**32 == $f->slot_block(5);
		}
	}
	die 'there is no such id';
}

my $f = HnswFile->new($path);
my $wrong = wrapping_id($f);
for my $id (0 .. $n_rows - 1)
{
	$f->set_slot($id, $_->[0], $_->[1]) for [ level => 0 ], [ upper => $NONE ], [ parent => 0 ];
	$f->set_links($id, 0);
}
$f->set_slot(0, 'parent', $NONE);
$f->set_meta('entry', 0);
$f->set_meta('entry_level', 0);
# The lists of 0 and 1, which a new element near 0 has for neighbours, are full of children.
# So 4 is asked to be its parent, which the search has not passed: it is farther than four others.
$f->set_links(0, 4, 1, 2, 3);
$f->set_links(1, 8 .. 11);
$f->set_slot($_, 'parent', 1) for 8 .. 11;
$f->set_links(4, 5, 6, 7, $wrong);
$f->set_slot($_, 'parent', 4) for 5 .. 7;
$f->save;

$node->start;
my ($code, $out, $err) = $node->psql('postgres', q{
	\set VERBOSITY verbose
	INSERT INTO t SELECT 100, array_agg(1.01 * (j = 1)::int + 0.001 * (j BETWEEN 2 AND 4)::int)::vector FROM generate_series(1, 2100) j;
}, on_error_die => 0);
like($err, qr/ERROR:  XX002: index "t_v_idx" is damaged at block \d+, element $wrong: /, 'the damage is reported');
$node->stop;
done_testing();
