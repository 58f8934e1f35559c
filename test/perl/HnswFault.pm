# What the tests of crashes, standbys and faults share: a cluster with vectors
# that are a function of a row's id, and a check that everything the heap shows
# is found through the index, once.
package HnswFault;

use strict;
use warnings;
use Exporter 'import';
use List::Util qw(min);
use Time::HiRes qw(time usleep);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(%table vector_sql seed_random slow_tests fault_node create_helpers create_table index_sql
  problems is_sound backend_tasks backend_memory wait_until scalar_query);

# Seeds rand(), and says with what. HNSWPG_SEED repeats a run.
sub seed_random
{
	my $seed = $ENV{HNSWPG_SEED} // int(rand(2**31));
	srand($seed);
	diag("seed $seed (HNSWPG_SEED=$seed repeats it)");
	return $seed;
}

sub slow_tests { return ($ENV{PG_TEST_EXTRA} // '') =~ /\bslow\b/ }

# A cluster with checksums that restarts after the crash of a backend. `conf`:
# further settings.
sub fault_node
{
	my ($name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--data-checksums', @{ $option{initdb} // [] } ],
		allows_streaming => $option{streaming} // 0);
	$node->append_conf('postgresql.conf', <<"CONF");
restart_after_crash = on
autovacuum = off
shared_buffers = 64MB
jit = off
max_wal_size = 256MB
log_min_messages = warning
log_statement = none
@{[ $option{conf} // '' ]}
CONF
	$node->start;
	create_helpers($node);
	return $node;
}

# vec(id, dim): a vector that depends on nothing but its arguments.
#
# hnsw_problems(table, operator, near, limit [, part]): a text a line for everything that is wrong
# with what an index shows of a table (id, v):
#   - a row that a search for its own vector, with hnsw.ef_search = 1000, does not
#     find at distance 0 (`near` at most), among `limit` rows; of the rows one in `part`;
#   - a row that a scan of everything returns twice or not at all;
#   - what hnsw_check has to say.
sub create_helpers
{
	my ($node) = @_;
	$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION IF NOT EXISTS hnswpg;

-- A parsed body: CREATE INDEX calls it with another search_path in newer servers.
CREATE FUNCTION vec(id bigint, dim int) RETURNS vector LANGUAGE sql IMMUTABLE
RETURN (SELECT array_agg((hashint8extended(id, d) & 65535) / 32768.0 - 1)::real[]::vector
  FROM generate_series(1, dim) d);

CREATE FUNCTION uses_index(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
    IF line ~ 'Index Scan using .*_v_' THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;

CREATE FUNCTION hnsw_problems(tab regclass, op text, near float8, max_equal int, part int DEFAULT 1)
RETURNS SETOF text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_sort = off SET jit = off
SET hnsw.ef_search = 1000 SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
  lookup text := format('SELECT s.id, s.v %1$s t.v AS d FROM %2$s s ORDER BY s.v %1$s t.v LIMIT %3$s',
                        op, tab, max_equal);
  everything text := format('SELECT ctid FROM %1$s ORDER BY v %2$s (SELECT v FROM %1$s LIMIT 1)', tab, op);
  in_heap bigint;
  seen bigint;
  seen_once bigint;
  index regclass;
BEGIN
  IF NOT uses_index(format('SELECT x.* FROM %s t, LATERAL (%s) x', tab, lookup)) OR
     NOT uses_index(everything) THEN
    RETURN NEXT 'the index is not used';
    RETURN;
  END IF;
  RETURN QUERY EXECUTE format(
    'SELECT ''row '' || t.id || '' is not found'' FROM %s t WHERE t.id %% %s = 0 AND NOT EXISTS
       (SELECT FROM (%s) x WHERE x.id = t.id AND x.d <= %s)', tab, part, lookup, near);
  EXECUTE format('SELECT count(*) FROM (SELECT id FROM %s OFFSET 0) x', tab) INTO in_heap;
  PERFORM set_config('hnsw.iterative_scan', 'relaxed_order', true),
          set_config('hnsw.max_scan_tuples', '2147483647', true);
  EXECUTE format('SELECT count(*), count(DISTINCT ctid) FROM (%s) x', everything)
    INTO seen, seen_once;
  PERFORM set_config('hnsw.iterative_scan', 'strict_order', true),
          set_config('hnsw.max_scan_tuples', '20000', true);
  IF seen <> in_heap OR seen_once <> in_heap THEN
    RETURN NEXT format('%s rows in the table, a scan returns %s, %s of them different',
                       in_heap, seen, seen_once);
  END IF;
  FOR index IN SELECT indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
               JOIN pg_am a ON a.oid = c.relam
               WHERE indrelid = tab AND amname = 'hnsw' AND indisvalid LOOP
    RETURN QUERY EXECUTE format('SELECT ''hnsw_check: '' || c::text FROM hnsw_check(%L, true) c', index);
  END LOOP;
END $$;
SQL
}

# The tables of the tests. dim; index: what follows the table's name; modulus:
# ids that are equal modulo this have equal vectors; rows: how many a test may
# keep in it without taking long.
our %table = (
	codes => { dim => 16, index => '(v vector_l2_ops)', rows => 600 },
	exact => {
		dim => 16,
		index => '(v vector_l2_ops) WITH (quantization = none, m = 8, ef_construction = 32)',
		rows => 600 },
	prompt => { dim => 16, index => '(v vector_l2_ops) WITH (sync = immediate)', rows => 400 },
	equal => { dim => 16, index => '(v vector_l2_ops)', modulus => 60, rows => 600 },
	wide => { dim => 768, index => '(v vector_l2_ops)', rows => 150 },
	spread => { dim => 2500, index => '(v vector_l2_ops) WITH (quantization = none)', rows => 60 },
	cosine => { dim => 32, index => '(v vector_cosine_ops)', op => '<=>', rows => 500 },);

# The SQL expression for the vector of a row.
sub vector_sql
{
	my ($name, $id) = @_;
	my $t = $table{$name};
	$id = "($id) % $t->{modulus}" if $t->{modulus};
	return "vec($id, $t->{dim})";
}

sub index_sql
{
	my ($name, $options) = @_;
	return 'CREATE INDEX ' . ($options // '') . " ${name}_v_idx ON $name USING hnsw $table{$name}{index}";
}

# Creates the table with ids 1 .. $rows and its index.
sub create_table
{
	my ($node, $name, $rows, %option) = @_;
	my $kind = $option{kind} // '';
	$node->safe_psql('postgres',
		"CREATE $kind TABLE $name (id bigint PRIMARY KEY, v vector($table{$name}{dim}));"
		  . "INSERT INTO $name SELECT g, " . vector_sql($name, 'g')
		  . " FROM generate_series(1, $rows) g;"
		  . ($option{no_index} ? '' : index_sql($name)));
}

# What hnsw_problems says, the first lines of it; empty if all is well.
sub problems
{
	my ($node, $name) = @_;
	my $t = $table{$name};
	my $op = $t->{op} // '<->';
	my $near = $op eq '<->' ? 0 : 1e-6;
	my $limit = $t->{modulus} ? 200 : 3;
	my @lines = split /\n/,
	  $node->safe_psql('postgres', "SELECT hnsw_problems('$name', '$op', $near, $limit)");
	my $n = @lines;
	return join("\n", @lines[ 0 .. min(9, $#lines) ], $n > 10 ? "... $n lines in all" : ());
}

sub is_sound
{
	my ($node, $name, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(problems($node, $name), '', $what // "$name: every row is found once, the index is sound");
}

sub scalar_query { return $_[0]->safe_psql('postgres', $_[1]) }

# Threads of a process.
sub backend_tasks { return scalar(() = glob("/proc/$_[0]/task/*")) }

# Its private memory, in kB.
sub backend_memory
{
	my ($pid) = @_;
	open my $status, '<', "/proc/$pid/status" or return 0;
	my ($kb) = map { /^RssAnon:\s+(\d+)/ ? $1 : () } <$status>;
	return $kb // 0;
}

# Waits until the code returns true; returns whether it did, in time.
sub wait_until
{
	my ($code, $timeout) = @_;
	my $end = time + ($timeout // 60);
	for (;;)
	{
		return 1 if $code->();
		return 0 if time > $end;
		usleep(2000);
	}
}

1;
