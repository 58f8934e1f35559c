# CREATE INDEX, REINDEX and rebuilding put elements that are near each other on the
# same page, with all that belongs to them; where moving vectors would cost too much
# they stay in the order of rows. And how much fits into maintenance_work_mem.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFile;
use VectorTest;

my $node = PostgreSQL::Test::Cluster->new('packed');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nhnsw.sync_interval = 0\n");
$node->start;
# 150 clusters of 40 rows, in random order; a tenth of the rows four times.
$node->safe_psql('postgres', q{
	CREATE EXTENSION hnswpg;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	  $$SELECT array_agg((sin((i / 40) * 12.9898 + j * 78.233) * 10 + sin(i * 3.77 + j * 1.3))::real)::vector FROM generate_series(1, 16) j$$;
	SELECT setseed(0.5);
	CREATE TABLE t (id int, v vector(16));
	INSERT INTO t SELECT id, vec(id) FROM generate_series(1, 6000) id, generate_series(1, CASE WHEN id % 10 = 0 THEN 4 ELSE 1 END)
	  ORDER BY random();
});

sub sql { return $node->safe_psql('postgres', join '', @_) }

sub build
{
	my ($with, $settings) = @_;
	sql('DROP INDEX IF EXISTS t_idx;', $settings // '', "CREATE INDEX t_idx ON t USING hnsw (v vector_l2_ops) WITH ($with)");
	return;
}

# The share of level-0 links that stay on their page.
sub within_pages
{
	my $file = HnswFile->new(index_file($node, 't_idx'));
	my ($links, $within) = (0, 0);
	for my $id ($file->in_state(HnswFile::LINKED))
	{
		my $block = $file->slot_block($id);
		for my $to ($file->links($id))
		{
			$links++;
			$within++ if $file->slot_block($to) == $block;
		}
	}
	return $within / $links;
}

sub sound
{
	my ($what) = @_;
	is(sql("SELECT * FROM hnsw_check('t_idx', true)"), '', "$what: the index is sound");
	is(sql("SELECT elements + duplicates FROM hnsw_status('t_idx')"), 7800, "$what: it has all rows");
	is(sql(q{SET enable_seqscan = off; SET hnsw.iterative_scan = relaxed_order; SET hnsw.max_scan_tuples = 1000000;
		SELECT count(DISTINCT ctid), count(*) FROM (SELECT ctid FROM t ORDER BY v <-> vec(0) LIMIT 100000) s}),
		'7800|7800', "$what: every row is found once");
	return;
}

my $too_large = 'SET effective_cache_size = 1;';
build('quantization = int8, m = 8', $too_large);
my $chance = within_pages();
cmp_ok($chance, '<', 0.04, 'too large for the cache: in the order of rows');
is(sql(q{SELECT entry_point > 0 FROM hnsw_status('t_idx')}), 't', 'the entry point is where it came');
sound('in the order of rows');

sub packed
{
	my ($what) = @_;
	my $share = within_pages();
	cmp_ok($share, '>', 0.25, "$what: neighbours share pages");
	is(sql(q{SELECT elements FROM hnsw_status('t_idx')}), 6000, "$what: equal vectors share elements");
	is(sql(q{SELECT entry_point FROM hnsw_status('t_idx')}), 0, "$what: the entry point is the first element");
	sound($what);
	note(sprintf '%s: %.3f of the links within a page, in the order of rows %.3f', $what, $share, $chance);
	return;
}

build('quantization = int8, m = 8');
packed('CREATE INDEX');
build('quantization = int8, m = 8', 'SET max_parallel_maintenance_workers = 0;');
packed('with one thread');
build('m = 8, quantization = none', $too_large);
packed('without codes, which moves nothing');

build('quantization = int8, m = 8', $too_large);
sql('REINDEX INDEX CONCURRENTLY t_idx');
packed('REINDEX CONCURRENTLY');
build('quantization = int8, m = 8', $too_large);
sql(q{SELECT hnsw_sync('t_idx', rebuild => true)});
packed('hnsw_sync, rebuild');

# What the build went on with on pages: packed is what was there by then.
my ($out, $notice);
$node->psql('postgres', "DROP INDEX t_idx; SET maintenance_work_mem = '1MB'; CREATE INDEX t_idx ON t USING hnsw (v vector_l2_ops) WITH (quantization = int8, m = 8)",
	on_error_die => 1, stdout => \$out, stderr => \$notice);
like($notice, qr/no longer fits/, 'too little memory is told');
sound('begun in memory');

# The memory beside the graph is reckoned with, so what is there is made use of.
sql(q{CREATE TABLE big (v vector(4)); INSERT INTO big SELECT ARRAY[sin(i), cos(i * 1.7), sin(i * 0.3), i / 1e4]::vector FROM generate_series(1, 40000) i; ANALYZE big});
my $create = 'CREATE INDEX ON big USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 8);';
$node->psql('postgres', "SET maintenance_work_mem = '3MB'; $create", on_error_die => 1, stderr => \$notice);
my ($rows) = $notice =~ /maintenance_work_mem after (\d+) rows/;
my ($needed) = $notice =~ /maintenance_work_mem to (\d+) MB/;
cmp_ok($rows, '>', 0.7 * 40000 * 3 / $needed, "of $needed MB that all rows need, 3 MB hold their share: $rows of 40000");
$node->psql('postgres', "SET maintenance_work_mem = '${needed}MB'; $create", on_error_die => 1, stderr => \$notice);
is($notice, '', 'what the notice asks for is enough');

done_testing();
