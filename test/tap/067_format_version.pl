# An index of another format version is refused, whatever is asked of it, and REINDEX
# makes it one of this version.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFile;

my $node = PostgreSQL::Test::Cluster->new('format_version');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nhnsw.sync_interval = 0\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION hnswpg;
	CREATE TABLE t (id int, v vector(3));
	INSERT INTO t SELECT i, ARRAY[i, i % 7, i % 11]::vector FROM generate_series(1, 50) i;
	CREATE INDEX t_idx ON t USING hnsw (v vector_l2_ops);
});
my $path = $node->safe_psql('postgres', q{SELECT pg_relation_filepath('t_idx')});
$node->stop;
my $own = HnswFile->new($node->data_dir . "/$path")->meta('version');
$node->start;

sub set_version
{
	my ($version) = @_;
	$node->stop;
	my $file = HnswFile->new($node->data_dir . "/$path");
	$file->set_meta('version', $version);
	$file->save;
	$node->start;
	return;
}

my %hint = (older => qr/HINT:  REINDEX the index\./, newer => qr/HINT:  Install the newer hnswpg/);
my @statements = (
	'SET enable_seqscan = off; SELECT id FROM t ORDER BY v <-> \'[1,2,3]\' LIMIT 1',
	"INSERT INTO t VALUES (0, '[1,2,3]')",
	q{SELECT * FROM hnsw_status('t_idx')},
	q{SELECT hnsw_sync('t_idx')},
	q{SELECT hnsw_cleanup('t_idx')});
for my $version (0, $own - 1, $own + 1, 99)
{
	set_version($version);
	my $kind = $version < $own ? 'older' : 'newer';
	for my $statement (@statements)
	{
		my ($code, $out, $err) = $node->psql('postgres', $statement);
		like($err, qr/ERROR:  index "t_idx" has format version $version, but this hnswpg reads version $own\n/,
			"version $version is refused: $statement");
		like($err, $hint{$kind}, 'and the hint says what to do');
	}
}
set_version($own - 1);
$node->safe_psql('postgres', 'REINDEX INDEX t_idx');
is($node->safe_psql('postgres', q{SELECT * FROM hnsw_check('t_idx', heapcheck => true)}), '', 'REINDEX makes it a sound one');
$node->stop;
done_testing();
