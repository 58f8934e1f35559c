# A cleanup that was cut short when everything was dead leaves dead elements without an
# entry point. That is sound for everybody: hnsw_check, searches, linking one by one and
# in memory, and the next cleanup. Live elements without an entry point are damage for
# all of them.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFile;

my $node = PostgreSQL::Test::Cluster->new('no_entry');
$node->init;
PostgreSQL::Test::Utils::system_log('pg_checksums', '--disable', '-D', $node->data_dir);
$node->append_conf('postgresql.conf', "autovacuum = off\nhnsw.sync_interval = 0\nhnsw.pending_limit = 100000\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION hnswpg;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	  $$SELECT array_agg((sin(i * 12.9898 + j * 78.233) * 10)::real)::vector FROM generate_series(1, 8) j$$;
});
for my $table (qw(few many alive))
{
	$node->safe_psql('postgres', qq{
		CREATE TABLE $table (id int, v vector(8));
		INSERT INTO $table SELECT i, vec(i) FROM generate_series(1, 500) i;
		CREATE INDEX ${table}_idx ON $table USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 16);
		INSERT INTO $table SELECT i, vec(i) FROM generate_series(501, 550) i;
		SELECT hnsw_sync('${table}_idx');
	});
}
my %path = map { $_ => $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('${_}_idx')") } qw(few many alive);
$node->stop;

# What is in the file just after the record that takes the entry point away.
for my $table (qw(few many))
{
	my $file = HnswFile->new($path{$table});
	my $n = 0;
	for my $id ($file->in_state(HnswFile::LINKED))
	{
		$file->set_slot($id, 'state', HnswFile::DEAD);
		$file->set_slot($id, 'n_tids', 0);
		$n++;
	}
	$file->set_meta('n_linked', 0);
	$file->set_meta('n_dead', $n);
	$file->set_meta('n_tids', 0);
	$file->save;
}
for my $table (qw(few many alive))
{
	my $file = HnswFile->new($path{$table});
	$file->set_meta('entry', HnswFile::NONE);
	$file->set_meta('entry_level', 0);
	$file->save;
}
$node->start;
$node->safe_psql('postgres', 'DELETE FROM few; DELETE FROM many;');

sub query { return $node->safe_psql('postgres', "SET enable_seqscan = off; SET hnsw.ef_search = 1000; $_[0]"); }

for my $case ([ few => 50 ], [ many => 3000 ])
{
	my ($table, $rows) = @$case;
	my $check = "SELECT * FROM hnsw_check('${table}_idx', true)";
	my $search = "SELECT count(*) FROM (SELECT id FROM $table ORDER BY v <-> vec(7) LIMIT 500) s";
	is(query("SELECT * FROM hnsw_check('${table}_idx')"), '', "$table: dead elements without an entry point are sound");
	is(query($search), 0, "$table: nothing is found");
	query("INSERT INTO $table SELECT i, vec(i) FROM generate_series(1001, 1000 + $rows) i");
	is(query("SELECT hnsw_sync('${table}_idx')"), $rows, "$table: what is inserted then is linked");
	is(query($check), '', "$table: and all is sound");
	my $found = $rows < 500 ? $rows : 500;
	is(query($search), $found, "$table: and found");
	is(query("SELECT hnsw_cleanup('${table}_idx')"), 550, "$table: cleanup frees the dead");
	is(query($check), '', "$table: and leaves all sound");
	is(query($search), $found, "$table: and all is found still");
}

query("INSERT INTO alive SELECT i, vec(i) FROM generate_series(1001, 4000) i");
like(query("SELECT * FROM hnsw_check('alive_idx')"), qr/^0\|0\|in the graph, but there is no entry point$/m,
	'hnsw_check reports live elements without an entry point');
my ($code, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT hnsw_sync('alive_idx')");
like($err, qr/ERROR:  XX002: .*at block 0, element 0: in the graph, but there is no entry point/,
	'and so does linking in memory');
$node->stop;
done_testing();
