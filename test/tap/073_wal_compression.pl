# Images of pages in the WAL are compressed where wal_compression says so, and nowhere
# else: a server that replays them may lack the method.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('wal_compression');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nhnsw.sync_interval = 0\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION hnswpg;
	CREATE TABLE t (v vector(32));
	CREATE INDEX ON t USING hnsw (v vector_l2_ops);
});

# What pg_waldump says of the blocks that 500 insertions wrote, linking included.
sub blocks_written
{
	my ($setting) = @_;
	my $sql = "SET wal_compression = $setting; SELECT pg_current_wal_insert_lsn();
		INSERT INTO t SELECT array_agg(sin(i * j)::real)::vector FROM generate_series(1, 500) i, generate_series(1, 32) j GROUP BY i;
		SELECT hnsw_sync('t_v_idx') \\g /dev/null\nSELECT pg_current_wal_flush_lsn();";
	my ($from, $to) = split /\n/, $node->safe_psql('postgres', $sql);
	my ($out, $err) = run_command([ 'pg_waldump', '--bkp-details', '--rmgr=Generic',
		'--path', $node->data_dir . '/pg_wal', '--start', $from, '--end', $to ]);
	return $out;
}

my $off = blocks_written('off');
like($off, qr/\(FPW\)/, 'pages are written whole');
unlike($off, qr/compression saved/, 'and none is compressed where wal_compression is off');
like(blocks_written('pglz'), qr/compression saved: \d+, method: pglz/, 'where it is on, they are');
$node->stop;
done_testing();
