# VACUUM gives free slots at the end of the file back: when nobody uses the index, and
# only if that saves something. What a crash before the truncation leaves does no harm.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('give_back');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_parallel_maintenance_workers = 0\nhnsw.sync_interval = 0\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION hnswpg;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	  $$SELECT array_agg((sin(i * 12.9898 + j * 78.233) * 10)::real)::vector FROM generate_series(1, 16) j$$;
	CREATE TABLE t (id int, v vector(16));
	INSERT INTO t SELECT i, vec(i) FROM generate_series(1, 8000) i;
	SET effective_cache_size = 1;  -- slots in the order of rows: CREATE INDEX leaves them so
	CREATE INDEX t_idx ON t USING hnsw (v vector_l2_ops) WITH (quantization = int8, m = 4, ef_construction = 20);
});

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }
sub size { return sql("SELECT pg_relation_size('t_idx')"); }
sub remove
{
	my ($where) = @_;
	sql("DELETE FROM t WHERE $where");
	sql('VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) t');
	sql("SELECT hnsw_cleanup('t_idx')");
	return;
}

sub sound
{
	my ($when) = @_;
	is(sql("SELECT * FROM hnsw_check('t_idx', heapcheck => true)"), '', "$when: the index is sound");
	return;
}

sub all_found
{
	my ($when) = @_;
	is(sql(q{
		SET enable_seqscan = off; SET hnsw.iterative_scan = relaxed_order; SET hnsw.max_scan_tuples = 1000000;
		SELECT count(*) - (SELECT count(*) FROM t) FROM (SELECT id FROM t ORDER BY v <-> vec(0) LIMIT 100000) s}),
		'0', "$when: every row is found");
	return;
}

my $full = size();
remove('id % 2 = 0');
sql('VACUUM t');
is(size(), $full, 'free slots between others stay');

remove('id > 3000');
my $session = $node->background_psql('postgres', on_error_stop => 1);
$session->query_safe('SET enable_seqscan = off; BEGIN; SELECT id FROM t ORDER BY v <-> vec(0) LIMIT 1');
sql('VACUUM t');
is(size(), $full, 'nothing is given back while the index is locked');
sound('locked');
$session->query_safe('COMMIT');
$session->quit;

# The file as it is before.
my $path = $node->data_dir . '/' . sql(q{SELECT pg_relation_filepath('t_idx')});
$node->stop;
my $before = slurp_file($path);
$node->start;
sql('VACUUM t');
my $given = size();
cmp_ok($given, '<', $full * 0.6, 'the end of the file is given back');
sound('given back');
all_found('given back');
sql('VACUUM t');
is(size(), $given, 'once');

# A crash, and replay of all that.
$node->stop('immediate');
$node->start;
is(size(), $given, 'recovery comes to the same end');
sound('recovered');

# As if the server had gone down before it truncated the file: its old end is there.
$node->stop;
open my $file, '>>:raw', $path or die "$path: $!";
print $file substr $before, $given;
close $file or die "$path: $!";
$node->start;
is(size(), $full, 'the old end is back');
sound('not truncated');
sql('INSERT INTO t SELECT i, vec(i) FROM generate_series(10001, 13000) i');
sound('inserted over old bytes');
sql(q{SELECT hnsw_sync('t_idx')});
sound('linked over old bytes');
all_found('over old bytes');

remove('id > 3000');
sql('VACUUM t');
is(size(), $given, 'the next vacuum truncates');
remove('id > 100');
sql('ALTER TABLE t SET (vacuum_truncate = off)');
sql('VACUUM t');
is(size(), $given, 'unless the table forbids it');
sql('ALTER TABLE t RESET (vacuum_truncate)');
SKIP:
{
	skip 'the server has no setting vacuum_truncate', 1 if sql('SHOW server_version_num') < 180000;
	sql('SET vacuum_truncate = off; VACUUM t');
	is(size(), $given, 'or the setting does');
}
remove('true');
sql('VACUUM t');
is(size(), 3 * 8192, 'of an index of nothing the metapage is left, and the places of the code book');
sound('empty');
sql('INSERT INTO t SELECT i, vec(i) FROM generate_series(1, 500) i');
sql(q{SELECT hnsw_sync('t_idx')});
sound('filled again');
all_found('filled again');

# On a temporary table VACUUM does it all.
is(sql(q{
	CREATE TEMPORARY TABLE tt (id int, v vector(16));
	CREATE INDEX tt_idx ON tt USING hnsw (v vector_l2_ops) WITH (quantization = int8);
	INSERT INTO tt SELECT i, vec(i) FROM generate_series(1, 1000) i;
	DELETE FROM tt;
	VACUUM (INDEX_CLEANUP ON) tt;
	SELECT pg_relation_size('tt_idx');
	SELECT * FROM hnsw_check('tt_idx', heapcheck => true)}), 3 * 8192, 'a temporary index is cleaned up by VACUUM');
$node->stop;
done_testing();
