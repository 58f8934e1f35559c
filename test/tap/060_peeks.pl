# The module here is built with a model of what a look at an unpinned page may show
# (test/model/lying_peeks.cpp): one page of four is not what it seems, and the look is
# confirmed. A walk may go astray by that. What is written must not: linking and cleanup
# keep the graph whole. Nor what a scan returns: rows that there are, once, under their
# own distance, and everything that is pending as near as it is.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{HNSWPG_SEED} // int(rand(1_000_000));
note "seed: $seed (HNSWPG_SEED)";
srand($seed);
$ENV{HNSWPG_LIES} = $seed;

my $module = $ENV{HNSWPG_LYING};
plan skip_all => 'no module with the model: HNSWPG_LYING names none' unless $module && -r $module;

my $node = PostgreSQL::Test::Cluster->new('peeks');
$node->init;
# Little memory, so that pages come and go as well.
$node->append_conf('postgresql.conf', "autovacuum = off\nhnsw.sync_interval = 0\nshared_buffers = 1MB\n");
$node->start;
# From the next session on every function is that module's.
$node->safe_psql('postgres', 'CREATE EXTENSION hnswpg');
$node->safe_psql('postgres', q{UPDATE pg_proc SET probin = '} . $module . q{' WHERE probin = '$libdir/hnswpg'});
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_proc WHERE probin = '$libdir/hnswpg'}), 0,
	'the functions are those of the module with the model');

sub new_table
{
	my ($name, $options) = @_;
	$node->safe_psql('postgres', qq{
		CREATE TABLE $name (id int, v vector(8));
		CREATE INDEX ${name}_idx ON $name USING hnsw (v vector_l2_ops) WITH (quantization = int8, $options);
	});
	return;
}

sub insert
{
	my ($table, $from, $n) = @_;
	my $random = rand();
	return qq{
		DO \$\$BEGIN PERFORM setseed($random); END\$\$;
		INSERT INTO $table SELECT i, (SELECT array_agg(random() * 100) FROM generate_series(1, 8 + i % 1) j)::vector
		  FROM generate_series($from, $from + $n - 1) i;
	};
}

# --- what is written ---

# Short lists, which are full of children soon, and many levels; long ones.
for my $options ('m = 2, ef_construction = 4', 'm = 3, ef_construction = 20', 'm = 16, ef_construction = 40')
{
	(my $table = "w$options") =~ s/\W+/_/g;
	new_table($table, $options);
	for my $round (1 .. 3)
	{
		is($node->safe_psql('postgres', insert($table, 1000 * $round, 700) . qq{
			SELECT hnsw_sync('${table}_idx') IS NULL;
			SELECT * FROM hnsw_check('${table}_idx', heapcheck => true)}), 'f', "$options: round $round, linked");
		my $of = $round == 2 ? 20 : 3;
		is($node->safe_psql('postgres', qq{
			DELETE FROM $table WHERE hashint4(id) % $of <> 0;
			VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) $table}) .  $node->safe_psql('postgres', insert($table, 100_000 + 1000 * $round, 5) . qq{
			SELECT hnsw_cleanup('${table}_idx') IS NULL;
			SELECT * FROM hnsw_check('${table}_idx', heapcheck => true)}), 'f', "$options: round $round, cleaned up");
	}
}

# --- what is returned ---

new_table('r', 'm = 8, ef_construction = 40');
$node->safe_psql('postgres', insert('r', 1, 1500) . q{SELECT hnsw_sync('r_idx')});
$node->safe_psql('postgres', insert('r', 10_001, 200));
is($node->safe_psql('postgres', q{SELECT pending FROM hnsw_status('r_idx')}), 200, 'rows are pending');

# Each of some rows is searched for.
sub wrong_answers
{
	my ($ids, $condition) = @_;
	return $node->safe_psql('postgres', qq{
		SET enable_seqscan = off;
		SELECT q.id, s.* FROM (SELECT * FROM r WHERE id IN ($ids)) q, LATERAL (
			SELECT count(*) n, count(DISTINCT id) ids, min(id) FILTER (WHERE place = 1) nearest, bool_and(d >= before) ascends
			FROM (SELECT id, d, row_number() OVER () place, lag(d, 1, d) OVER () before
			      FROM (SELECT id, v <-> q.v d FROM r ORDER BY v <-> q.v LIMIT 10) x) y) s
		WHERE NOT ($condition) LIMIT 5});
}
my $sound = 'n = ids AND ascends';
is(wrong_answers('SELECT generate_series(1, 1500, 5)', $sound), '', 'rows come once and in order');
is(wrong_answers('SELECT generate_series(10001, 10200)', "$sound AND nearest = q.id"), '',
	'what is pending finds itself');
is($node->safe_psql('postgres', q{SELECT * FROM hnsw_check('r_idx', heapcheck => true)}), '', 'nothing was written');

$node->stop;
done_testing();
