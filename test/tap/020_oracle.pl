# Search on pages finds what hnswlib finds: the index's own graph is read from its
# file and given to hnswlib, and for every query both return the same rows, with ef
# 10, 40 and 160. Without quantization, and with int8 before the exact distances
# put the rows in order. As sets: with iterative scan off, a LIMIT beyond ef returns
# all that the walk found.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VectorTest;

my $seed = $ENV{HNSWPG_SEED} // 20;
note("seed $seed (HNSWPG_SEED)");

my %operator = (l2 => '<->', cos => '<=>');
my %opclass  = (l2 => 'vector_l2_ops', cos => 'vector_cosine_ops');

my $node = PostgreSQL::Test::Cluster->new('oracle');
$node->init;
$node->append_conf('postgresql.conf',
	"shared_buffers = 256MB\nmaintenance_work_mem = 512MB\nmax_wal_size = 4GB\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION hnswpg');

# One thread builds: then graph and answers depend on the data alone.
sub build
{
	my ($table, $metric, $with) = @_;
	$node->safe_psql('postgres',
		"SET max_parallel_maintenance_workers = 0;"
		  . "CREATE INDEX ${table}_hnsw ON $table USING hnsw (v $opclass{$metric}) WITH ($with)");
	return;
}

sub compare
{
	my ($what, $dir, $table, $metric) = @_;
	my $file = index_file($node, "${table}_hnsw");
	for my $ef (10, 40, 160)
	{
		my $found = search_to_file(
			$node,
			table    => $table,
			queries  => "${table}_q",
			operator => $operator{$metric},
			column   => 'ctid',
			limit    => 1000000,
			settings => "SET hnsw.ef_search = $ef; SET hnsw.iterative_scan = off");
		my $report = run_tool('oracle', $file, "$dir/query.fvecs", $ef, $found);
		diag($report) if $report =~ /^#/;
		my %count = key_values(($report =~ /^(queries=.*)$/m)[0]);
		note("$what, ef $ef: $count{same} of $count{queries} queries the same, $count{ties} ties");
		cmp_ok($count{rows}, '>=', $ef * $count{queries}, "$what, ef $ef: the walk finds ef rows");
		is($count{different}, 0, "$what, ef $ef: every query finds what hnswlib finds");
		unlink $found;
	}
	return;
}

sub drop_table
{
	my ($table) = @_;
	$node->safe_psql('postgres', "DROP TABLE $table, ${table}_q");
	return;
}

# ---- generated vectors ----

my $small = generate(20000, 32, 1000, $seed);
new_table($node, 'small', $small, 15000, 32);
for my $metric ('l2', 'cos')
{
	for my $quantization ('none', 'int8')
	{
		build('small', $metric, "quantization = $quantization");
		compare("generated 32-d, $metric, $quantization", $small, 'small', $metric);
		$node->safe_psql('postgres', 'DROP INDEX small_hnsw');
	}
}

# ---- a graph that was changed ----

build('small', 'l2', 'm = 12, ef_construction = 40');
load_vectors($node, 'small', "$small/base.fvecs", 3000, 100000);    # every one a second time
$node->safe_psql('postgres', 'DELETE FROM small WHERE id % 3 = 0');
$node->safe_psql('postgres', 'VACUUM small');
$node->safe_psql('postgres', "SELECT hnsw_cleanup('small_hnsw')");
load_vectors($node, 'small', "$small/query.fvecs", 500, 200000);
$node->safe_psql('postgres', "SELECT hnsw_sync('small_hnsw')");
compare('after inserts, deletes and cleanup', $small, 'small', 'l2');
check_clean($node, 'after inserts, deletes and cleanup', 'small');
drop_table('small');

# ---- elements wider than a page ----

my $wide = generate(400, 9000, 100, $seed);
$node->safe_psql('postgres', 'CREATE TABLE wide (id int, v vector(9000))');
load_vectors($node, 'wide', "$wide/base.fvecs");
$node->safe_psql('postgres', 'CREATE TABLE wide_q (id int, v vector)');
load_vectors($node, 'wide_q', "$wide/query.fvecs");
build('wide', 'l2', 'quantization = int8');
compare('9000-d, two pages an element', $wide, 'wide', 'l2');
check_clean($node, '9000-d', 'wide');
drop_table('wide');

# ---- real vectors, where there are any; all of them in the slow variant ----

my $slow = ($ENV{PG_TEST_EXTRA} // '') =~ /\bslow\b/;
for my $set (
	[ 'sift-imagenet-128', 'l2',  128, 'int8' ],
	[ 'word-books-100',    'cos', 100, 'none' ],
	[ 'bge-base-768',      'cos', 768, 'int8' ],
	[ 'bge-base-768',      'cos', 768, 'none' ])
{
	my ($name, $metric, $dim, $quantization) = @$set;
  SKIP:
	{
		my $dir = real_set($name);
		skip "no $name in HNSWPG_DATA", 7 unless $dir;
		new_table($node, 'real', $dir, $slow ? undef : 20000, $dim);
		build('real', $metric, "quantization = $quantization");
		compare("$name, $quantization", $dir, 'real', $metric);
		check_clean($node, "$name, $quantization", 'real');
		drop_table('real');
	}
}

$node->stop;
done_testing();
