# Searches find most pages by guessing their buffers. To the server these uses count
# like any other: its clock sweep keeps the pages, the table's statistics see the reads.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('buffer_use');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nhnsw.sync_interval = 0\nbgwriter_lru_maxpages = 0\n");
$node->start;
# A page of the table holds a few rows, so a query meets several.
$node->safe_psql('postgres', q{
	CREATE EXTENSION hnswpg;
	CREATE EXTENSION pg_buffercache;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	  $$SELECT array_agg((sin(i * 12.9898 + j * 78.233) * 10)::real)::vector FROM generate_series(1, 16) j$$;
	CREATE TABLE t (id int, filler char(2000) DEFAULT '', v vector(16));
	ALTER TABLE t ALTER filler SET STORAGE plain;
	INSERT INTO t (id, v) SELECT i, vec(i) FROM generate_series(1, 3000) i;
	CREATE INDEX t_v_idx ON t USING hnsw (v vector_l2_ops);
	VACUUM t});

# What the first search after a start finds in memory, it has read itself.
$node->restart;
my $session = $node->background_psql('postgres', on_error_stop => 1);
$session->query_safe('SET enable_seqscan = off');
my $search = q{SELECT string_agg(id::text, ' ') FROM (SELECT id FROM t ORDER BY v <-> (SELECT vec(17)) LIMIT 10) s};

sub reads_of_table
{
	$session->query_safe('SELECT pg_stat_force_next_flush()');
	return $session->query_safe(q{SELECT heap_blks_read + heap_blks_hit FROM pg_statio_user_tables WHERE relname = 't'});
}

my $before = reads_of_table();
my $found = $session->query_safe($search);
my $once = reads_of_table() - $before;
cmp_ok($once, '>', 3, 'a search reads several pages of the table');
is($session->query_safe($search), $found, 'the same rows again') for 1 .. 9;
is(reads_of_table() - $before, 10 * $once, 'guessed or not, the table is read as often each time');

# As often as the server counts, which is 5 times.
my $uses = q{SELECT count(*) FILTER (WHERE usagecount = 5), count(*) FROM pg_buffercache
	WHERE relfilenode = pg_relation_filenode('%s') AND relforknumber = 0 AND relblocknumber > 0
	  AND reldatabase = (SELECT oid FROM pg_database WHERE datname = 'postgres')};
for my $relation (qw(t_v_idx t))
{
	my ($most, $all) = split /\|/, $node->safe_psql('postgres', sprintf $uses, $relation);
	cmp_ok($all, '>', 3, "$relation: some pages are in memory");
	is($most, $all, "$relation: all of them count as used, time and again");
}
$session->quit;
$node->stop;
done_testing();
