# The extension under the name of pgvector: what was written for that runs as it stands. A dump,
# the statements of migrations, its other access method, and the other name of the same thing.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFault;
use HnswWorker;

my $node = fault_node('as_vector', conf => "hnsw.sync_interval = 1\nhnsw.pending_limit = 1000000");
plan skip_all => 'the server has no extension "vector"'
  unless $node->safe_psql('template1', "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'");
$node->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE template0") for qw(app other restored);

sub messages
{
	my ($database, $sql) = @_;
	my $err = '';
	$node->psql($database, $sql, stderr => \$err);
	return $err;
}

# ---- a dump of a database that has pgvector ----

$node->safe_psql('app', <<'SQL');
SET check_function_bodies = false;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;
COMMENT ON EXTENSION vector IS 'vector data type and ivfflat and hnsw access methods';
CREATE TABLE public.items (id bigint NOT NULL, embedding public.vector(3), tag text);
COPY public.items (id, embedding, tag) FROM stdin;
1	[1,2,3]	a
2	[4,5,6]	b
3	\N	c
4	[-1,0.5,2e-3]	a
\.
ALTER TABLE ONLY public.items ADD CONSTRAINT items_pkey PRIMARY KEY (id);
CREATE INDEX items_cosine ON public.items USING hnsw (embedding public.vector_cosine_ops) WITH (m='16', ef_construction='64');
CREATE INDEX items_l2 ON public.items USING ivfflat (embedding) WITH (lists='100');
CREATE INDEX items_ip ON public.items USING ivfflat (embedding public.vector_ip_ops);
CREATE INDEX items_part ON public.items USING ivfflat (embedding public.vector_cosine_ops) WITH (lists='1') WHERE (tag = 'a'::text);
SQL
my $near = "SET enable_seqscan = off; SET ivfflat.probes = 10; SET hnsw.ef_search = 100;";
for (['<->', '2 1 4'], [ '<#>', '2 1 4' ], [ '<=>', '2 1 4' ])
{
	my ($op, $ids) = @$_;
	my $query = "SELECT id FROM items ORDER BY embedding $op '[4,5,6]' LIMIT 3";
	like($node->safe_psql('app', "$near EXPLAIN $query"), qr/Index Scan using items_/, "$op uses an index");
	is(join(' ', split /\n/, $node->safe_psql('app', "$near $query")), $ids, "$op finds what is near");
}
is($node->safe_psql('app', "SELECT extname, extversion ~ '^0\\.[89]' FROM pg_extension WHERE extname <> 'plpgsql'"), 'vector|t',
	'clients that ask for the version get one of pgvector');

# ---- it is hnsw by another name ----

is($node->safe_psql('app', q{SELECT string_agg(index_name, ' ' ORDER BY index_name) FROM hnsw_indexes}),
	'items_cosine items_ip items_l2 items_part', 'all of them are shown with the other indexes');
is($node->safe_psql('app', "SELECT count(*) FROM pg_class c, hnsw_check(c.oid, true) WHERE relname LIKE 'items!_%' ESCAPE '!' AND relkind = 'i' AND relam IN (SELECT oid FROM pg_am WHERE amname IN ('hnsw', 'ivfflat'))"),
	0, 'and are checked');
$node->safe_psql('app', 'INSERT INTO items SELECT i, ARRAY[i, i % 7, 1]::real[]::vector FROM generate_series(5, 500) i');
ok(drained($node, $_, 'app'), "the worker links what is inserted into $_") for qw(items_l2 items_cosine);
my @notices = messages('app', <<'SQL') =~ /NOTICE: +(indexes that are created USING ivfflat are hnsw graphs)/g;
CREATE INDEX ON items USING ivfflat (embedding vector_l2_ops) WITH (lists = 10);
CREATE INDEX CONCURRENTLY ON items USING ivfflat (embedding vector_cosine_ops) WITH (lists = 10);
SQL
is(scalar(@notices), 1, 'a session is told once');
like(messages('app', 'CREATE INDEX ON items USING ivfflat (embedding) WITH (lists = 0)'),
	qr/ERROR: +value 0 out of bounds for option "lists"/, 'a wrong option is an error');
unlike(messages('app', 'REINDEX INDEX CONCURRENTLY items_l2; ALTER INDEX items_l2 SET (lists = 200); VACUUM items; ALTER INDEX items_l2 RESET (lists)'),
	qr/ERROR|WARNING/, 'what is done to an index is done to this one');

# ---- out again and in again ----

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('app') ], 'pg_dump');
like(slurp_file($dump), qr/CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public/, 'names the extension vector');
$node->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'and its output is restored');
is($node->safe_psql('restored', 'SELECT count(*), count(embedding), (SELECT count(*) FROM hnsw_indexes) FROM items'), '500|499|6', 'whole');

# ---- one thing, two names ----

like(messages('app', 'CREATE EXTENSION hnswpg'), qr/ERROR: +extension "hnswpg" is what the database has as "vector" already\n.*\n.*HINT/, 'hnswpg beside vector');
$node->safe_psql('other', 'CREATE EXTENSION hnswpg');
like(messages('other', 'CREATE EXTENSION vector'), qr/ERROR: +extension "vector" is what the database has as "hnswpg" already\n.*\n.*HINT/, 'vector beside hnswpg');
like(messages('other', 'CREATE EXTENSION IF NOT EXISTS vector'), qr/already/, 'also where it need not be there');
$node->safe_psql('app', 'DROP TABLE items; DROP EXTENSION vector; CREATE EXTENSION hnswpg');
is($node->safe_psql('app', q{SELECT count(*) FROM pg_am WHERE amname = 'ivfflat'}), 0, 'dropped, it leaves nothing');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/, 'no process crashed');
$node->stop;
done_testing();
