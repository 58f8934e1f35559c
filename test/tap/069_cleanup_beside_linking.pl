# Elements that are linked while cleanup has yielded the graph lock: with short lists full
# of the children of dead elements they come under dead parents, and link to dead ones.
# Cleanup has to know each of them before it cuts ways and frees slots.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('cleanup_beside');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nhnsw.sync_interval = 0\nfsync = off\n");
$node->start;
sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }
sql(q{
	CREATE EXTENSION hnswpg;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	  $$SELECT ARRAY[sin(i * 12.9898), sin(i * 78.233), sin(i * 37.719)]::real[]::vector$$;
});

sub all_found
{
	my ($table, $when) = @_;
	is(sql("SELECT * FROM hnsw_check('${table}_idx', heapcheck => true)"), '', "$when: the index is sound");
	is(sql(qq{
		SET enable_seqscan = off; SET hnsw.iterative_scan = relaxed_order; SET hnsw.max_scan_tuples = 1000000;
		SELECT count(*) - (SELECT count(*) FROM $table) FROM (SELECT id FROM $table ORDER BY v <-> vec(0) LIMIT 100000) s}),
		'0', "$when: every row is found");
	return;
}

sub beside
{
	my ($sync, $limit) = @_;
	my $table = "t_$sync$limit";
	sql(qq{
		CREATE TABLE $table (id int, v vector(3));
		INSERT INTO $table SELECT i, vec(i) FROM generate_series(1, 4000) i;
		CREATE INDEX ${table}_idx ON $table USING hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 8, sync = $sync);
	});
	my $script = "$PostgreSQL::Test::Utils::tmp_check/$table.sql";
	append_to_file($script, qq{
\\set id random(1, 1000000)
INSERT INTO $table SELECT 10000 + i, vec(i) FROM generate_series(:id, :id + 2) i;
});
	my ($out, $err) = ('', '');
	my $freed = 0;
	{
		local $ENV{PGOPTIONS} = "-c hnsw.pending_limit=$limit";
		my $bench = IPC::Run::start([ 'pgbench', '-n', '-T', 8, '-c', 3, '-f', $script, '-h', $node->host,
				'-p', $node->port, 'postgres' ], '>', \$out, '2>', \$err);
		local $ENV{PGOPTIONS} = '';
		while ($bench->pumpable)
		{
			$bench->pump_nb;
			sql("DELETE FROM $table WHERE random() < 0.5");
			sql("VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) $table");
			$freed += sql("SELECT hnsw_cleanup('${table}_idx')");
		}
		$bench->finish;
	}
	unlike($err, qr/ERROR|PANIC|FATAL/, "$table: no errors") or diag($err);
	cmp_ok($freed, '>', 2000, "$table: $freed slots were freed");
	all_found($table, $table);
	sql("SELECT hnsw_sync('${table}_idx')");
	all_found($table, "$table, linked");
	return;
}
beside('immediate', 1000);
beside('background', 0);
beside('background', 200);
$node->stop;
done_testing();
