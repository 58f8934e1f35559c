# pgvector in other databases of a server that preloads hnswpg. It is played by a library
# and an extension that do what stands in the way: the library defines pgvector's
# settings when it is loaded, and has a handler of the same name for an access method of
# the same name.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;
use HnswWorker;

my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/vector.c", <<'C');
#include "postgres.h"
#include "fmgr.h"
#include "utils/guc.h"
PG_MODULE_MAGIC;
extern void _PG_init(void);
extern Datum hashhandler(PG_FUNCTION_ARGS);
static int ef_search, iterative_scan, max_scan_tuples;
static double mem_multiplier;
static const struct config_enum_entry values[] = {{"off", 0, false}, {"relaxed_order", 1, false}, {"strict_order", 2, false}, {NULL, 0, false}};
void _PG_init(void)
{
	DefineCustomIntVariable("hnsw.ef_search", "", NULL, &ef_search, 40, 1, 1000, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("hnsw.iterative_scan", "", NULL, &iterative_scan, 0, values, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("hnsw.max_scan_tuples", "", NULL, &max_scan_tuples, 20000, 1, 2147483647, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomRealVariable("hnsw.scan_mem_multiplier", "", NULL, &mem_multiplier, 1, 1, 1000, PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("hnsw");
}
PG_FUNCTION_INFO_V1(hnswhandler);
Datum hnswhandler(PG_FUNCTION_ARGS)
{
	return hashhandler(fcinfo);
}
C

my $node = fault_node('beside', conf => <<'CONF');
shared_preload_libraries = 'hnswpg'
hnsw.sync_interval = 1
hnsw.pending_limit = 1000000
max_prepared_transactions = 4
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
CONF

# A copy of the server names a directory within the copy, and has no headers.
my $include = $node->config_data('--includedir-server');
$include =~ s{^.*?/install/}{/} unless -d $include;
my $output = '';
plan skip_all => "no C compiler, or no headers of the server: $output"
  unless IPC::Run::run([ 'cc', '-shared', '-fPIC', "-I$include", '-o', "$dir/vector.so", "$dir/vector.c" ], '>&', \$output);

sub fails
{
	my ($database, $sql, $pattern, $what) = @_;
	my $err = '';
	$node->psql($database, $sql, stderr => \$err);
	return like($err, $pattern, $what);
}

# A database with pgvector in it.
$node->safe_psql('postgres', 'CREATE DATABASE theirs');
$node->safe_psql('theirs', <<"SQL");
CREATE TYPE vector;
CREATE FUNCTION hnswhandler(internal) RETURNS index_am_handler AS '$dir/vector' LANGUAGE C;
CREATE ACCESS METHOD hnsw TYPE INDEX HANDLER hnswhandler;
CREATE OPERATOR CLASS int_ops DEFAULT FOR TYPE int USING hnsw AS
  OPERATOR 1 =, FUNCTION 1 hashint4(int);
SET allow_system_table_mods = on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
  VALUES (12000, 'vector', 10, 'public'::regnamespace, true, '0.8.0');
SQL

# ---- theirs ----

is($node->safe_psql('theirs', 'CREATE TABLE t AS SELECT i FROM generate_series(1, 100) i; CREATE INDEX t_i ON t USING hnsw (i);'
		  . 'SET hnsw.ef_search = 200; SHOW hnsw.ef_search'), '200', 'pgvector works in a server that preloads hnswpg');
is($node->safe_psql('theirs', 'SET hnsw.ef_search = 300; INSERT INTO t VALUES (101); SHOW hnsw.ef_search'),
	'300', 'and takes what was set before it was loaded');
my $end = log_end($node);
$node->restart;
ok(wait_until(sub { log_since($node, $end) =~ /ready to accept connections/ && $node->safe_psql('postgres',
		q{SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ '^hnswpg'}) == 0 }, 60), 'launcher and workers end');
is($node->safe_psql('theirs', 'SELECT count(*) FROM t WHERE i >= 0'), '101', 'it works still');
unlike(log_since($node, $end), qr/ERROR|FATAL(?!.*the database system is)|redefine/, 'and nobody has touched its index');

# ---- beside it ----

fails('theirs', 'CREATE EXTENSION hnswpg', qr/ERROR: +hnswpg cannot be used in a database that has pgvector.*\n.*HINT.*real\[\]/s,
	'CREATE EXTENSION in that database says why it fails, and what can be done');
fails('theirs', 'INSERT INTO t VALUES (102); CREATE EXTENSION hnswpg', qr/ERROR: +hnswpg cannot be used in a database that has pgvector/,
	'after pgvector was loaded too');
# What has been turned into arrays before comes over.
my $err = '';
$node->psql('theirs', "DROP TABLE t; DROP ACCESS METHOD hnsw CASCADE; DROP FUNCTION hnswhandler; DROP TYPE vector CASCADE; DELETE FROM pg_extension WHERE extname = 'vector'");
$node->safe_psql('theirs', 'CREATE TABLE moved AS SELECT i, ARRAY[i, 1]::real[] AS v FROM generate_series(1, 9) i; CREATE EXTENSION hnswpg;'
	  . 'ALTER TABLE moved ALTER v TYPE vector(2) USING v::vector(2); CREATE INDEX ON moved USING hnsw (v vector_l2_ops)');
is($node->safe_psql('theirs', "SELECT i FROM moved ORDER BY v <-> '[4,1]' LIMIT 1"), '4', 'without it the extension can be created');
fails('theirs', "LOAD '$dir/vector.so'; SELECT i FROM moved ORDER BY v <-> '[4,1]' LIMIT 1",
	qr/ERROR: +hnswpg cannot be used in a process that has loaded pgvector.*hnsw\.ef_search.*HINT/s, 'in a process that has loaded pgvector: an error that says so');

# ---- ours: settings before and after the first use ----

create_source($node);
$node->safe_psql('postgres', 'CREATE TABLE ours AS SELECT * FROM source LIMIT 1000; CREATE INDEX ours_v_idx ON ours USING hnsw (v vector_l2_ops)');
my $use = "SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM ours ORDER BY v <-> (SELECT v FROM source LIMIT 1) LIMIT 500) x";
# With `off` a scan returns as many rows as hnsw.ef_search.
my $limit = 'SET hnsw.iterative_scan = off';
is($node->safe_psql('postgres', "$limit; $use"), '40', 'the default');
is($node->safe_psql('postgres', "SET hnsw.ef_search = 77; $limit; $use; SHOW hnsw.ef_search"), "77\n77", 'set before the first use');
is($node->safe_psql('postgres', "$limit; $use; SET hnsw.ef_search = 78; $use; RESET hnsw.ef_search; SHOW hnsw.ef_search"), "40\n78\n40", 'after it');
is($node->safe_psql('postgres', "$limit; BEGIN; SET LOCAL hnsw.ef_search = 79; $use; COMMIT; SHOW hnsw.ef_search"), "79\n40", 'in a transaction');
is($node->safe_psql('postgres', "$limit; SET hnsw.ef_search = 70; BEGIN; SET LOCAL hnsw.ef_search = 79; SAVEPOINT s; $use; ROLLBACK; SHOW hnsw.ef_search"), "79\n70", 'in one that is rolled back');
fails('postgres', "$use; SET hnsw.ef_search = 0", qr/ERROR: +0 is outside the valid range/, 'a wrong value');
fails('postgres', "SET hnsw.ef_search = 0; $use", qr/WARNING: +0 is outside the valid range/, 'one that was set before');
fails('postgres', "$use; SET hnsw.ef_serach = 5", qr/ERROR: +invalid configuration parameter name "hnsw.ef_serach"/, 'a misspelt name');
fails('postgres', "SET hnsw.ef_serach = 5; $use", qr/WARNING: +invalid configuration parameter name "hnsw.ef_serach"/, 'one that was set before');
$node->safe_psql('postgres', 'ALTER DATABASE postgres SET hnsw.ef_search = 81');
is($node->safe_psql('postgres', "$limit; $use; SET hnsw.ef_search = 5; RESET hnsw.ef_search; SHOW hnsw.ef_search"), "81\n81", 'ALTER DATABASE ... SET');
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET hnsw.ef_search');
$node->append_conf('postgresql.conf', 'hnsw.ef_search = 82');
$node->reload;
ok(wait_until(sub { $node->safe_psql('postgres', "$limit; $use") eq '82' }, 20), 'postgresql.conf, reloaded');
$node->restart;
is($node->safe_psql('postgres', "$limit; $use; SHOW hnsw.ef_search"), "82\n82", 'postgresql.conf, at the start');

# ---- parallel workers, which get what was set before they use the access method ----

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE queries AS SELECT id, v FROM source LIMIT 400;
ALTER TABLE queries SET (parallel_workers = 2);
ANALYZE queries, ours;
CREATE FUNCTION found(q vector) RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE SET enable_seqscan = off AS
  $$BEGIN RETURN (SELECT count(*) FROM (SELECT id FROM ours ORDER BY v <-> q LIMIT 500) x); END$$;
CREATE FUNCTION found_with(q vector) RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE SET enable_seqscan = off SET hnsw.ef_search = 33 AS
  $$BEGIN RETURN (SELECT count(*) FROM (SELECT id FROM ours ORDER BY v <-> q LIMIT 500) x); END$$;
SQL
for my $leader ('on', 'off')
{
	my $set = "SET parallel_leader_participation = $leader; SET hnsw.ef_search = 66; $limit; SET max_parallel_workers_per_gather = 2";
	like($node->safe_psql('postgres', "$set; EXPLAIN SELECT min(found(v)) FROM queries"), qr/Parallel Seq Scan/, "parallel, leader $leader");
	is($node->safe_psql('postgres', "$set; SELECT min(found(v)), max(found(v)) FROM queries"), '66|66', 'has the values of the session');
	is($node->safe_psql('postgres', "$set; SELECT min(found_with(v)), max(found_with(v)) FROM queries"), '33|33', 'and those of a function');
	is($node->safe_psql('postgres', "$set; SELECT min(found(v)), max(found_with(v)), max(found(v)) FROM queries"), '66|33|66', 'both');
	is($node->safe_psql('postgres', "$set; $use; SELECT min(found(v)), max(found_with(v)) FROM queries"), "66\n66|33", 'after the first use');
}
is(scalar_query($node, "SELECT count(*) FROM hnsw_check('ours_v_idx', true)"), 0, 'the index is sound');
unlike(slurp_file($node->logfile), qr/PANIC|signal 11/, 'no process failed by itself');
$node->stop;
done_testing();
