# Cleanup after nearly everything was deleted, with lists so short that hardly any has
# room: the few that are left stay in one tree with an entry point, and are found.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{HNSWPG_SEED} // int(rand(1_000_000));
note "seed: $seed (HNSWPG_SEED)";
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('mass_delete');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_parallel_maintenance_workers = 0\nhnsw.sync_interval = 0\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION hnswpg;
	CREATE TABLE t (id int, v vector(2));
	CREATE INDEX t_idx ON t USING hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4, sync = immediate);
});

# Inserts $n rows, leaves every $step-th of them and returns what is wrong then.
sub round
{
	my ($n, $step, $built) = @_;
	my $random = rand();
	my $reindex = $built ? 'REINDEX INDEX t_idx;' : '';
	return $node->safe_psql('postgres', qq{
		TRUNCATE t;
		SET client_min_messages = error;
		DO \$\$BEGIN PERFORM setseed($random); END\$\$;
		INSERT INTO t SELECT i, ARRAY[random() * 100, random() * 100]::vector FROM generate_series(1, $n) i;
		$reindex
		DELETE FROM t WHERE id % $step <> 0;
		VACUUM (INDEX_CLEANUP ON) t;
		SELECT * FROM hnsw_check('t_idx', heapcheck => true);
		SELECT 'freed', n, 'of', $n - $n / $step FROM hnsw_cleanup('t_idx') n WHERE n <> $n - $n / $step;
		SELECT * FROM hnsw_check('t_idx', heapcheck => true);
		INSERT INTO t SELECT -i, ARRAY[random() * 100, random() * 100]::vector FROM generate_series(1, 20) i;
		SELECT * FROM hnsw_check('t_idx', heapcheck => true);
		SET enable_seqscan = off;
		SET hnsw.ef_search = 1000;
		SELECT 'found', count(*), 'of', $n / $step + 20 FROM (SELECT * FROM t ORDER BY v <-> '[50,50]' LIMIT 1000) s
		HAVING count(*) <> $n / $step + 20;
	});
}

my %rounds = ('one of 60' => [ 60, 60 ], 'ten of 300' => [ 300, 30 ], 'a third of 300' => [ 300, 3 ]);
for my $name (sort keys %rounds)
{
	for my $built (0, 1)
	{
		my @wrong = grep { $_ ne '' } map { round(@{ $rounds{$name} }, $built) } 1 .. 12;
		is(join("\n", @wrong), '', "$name left, " . ($built ? 'built' : 'inserted'));
	}
}
$node->stop;
done_testing();
