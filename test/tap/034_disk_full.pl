# A disk that fills up while an index is built or written to, or while what was
# written is linked. The limit is that of
# one backend on the size of a file (EFBIG): it can be set and lifted without
# being root. An expression index over a small table makes the index the only
# large file; WAL segments are kept small.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;
use HnswWorker;

plan skip_all => 'needs prlimit, to limit the size of files of a running process'
  if system('prlimit --version >/dev/null 2>&1') != 0;

my $node = fault_node('disk', initdb => ['--wal-segsize=1'], conf => 'hnsw.sync_interval = 0');
my $mb = 1024 * 1024;
# The vectors lie nowhere but in the index. 1000 dimensions: 5 kB a row there.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE full_disk (id bigint PRIMARY KEY);
INSERT INTO full_disk SELECT generate_series(1, 1500);
CREATE FUNCTION v(bigint) RETURNS vector(1000) LANGUAGE sql IMMUTABLE RETURN vec($1, 1000);
CREATE FUNCTION files() RETURNS TABLE (name text) LANGUAGE sql AS $$
  SELECT name FROM pg_database d, pg_ls_dir('base/' || d.oid) name WHERE datname = current_database()
    AND name ~ '^[0-9]+(\.[0-9]+)?$' $$;
SQL
my $build = 'CREATE INDEX full_disk_v_idx ON full_disk USING hnsw ((v(id)::vector(1000)) vector_l2_ops)';


# Runs statements in a backend whose files cannot grow beyond $limit bytes.
sub limited
{
	my ($limit, @statements) = @_;
	my $gate = $node->background_psql('postgres');
	$gate->query_safe('SELECT pg_advisory_lock(1)');
	my $client = HnswClient->start($node,
		join("\n", 'SELECT pg_advisory_lock_shared(1) \g /dev/null', @statements, ''),
		stop_on_error => 0);
	my $pid = $client->backend;
	system("prlimit --pid $pid --fsize=$limit:unlimited") == 0 or die 'prlimit fails';
	$gate->query_safe('SELECT pg_advisory_unlock(1)');
	$gate->quit;
	return ($client, $pid);
}

sub index_problems
{
	my ($limit) = @_;
	return $node->safe_psql('postgres', <<'SQL');
SET enable_seqscan = off; SET enable_sort = off; SET hnsw.ef_search = 1000;
SELECT 'row not found: ' || t.id FROM full_disk t WHERE t.id % 10 = 0 AND NOT EXISTS (SELECT FROM (
  SELECT id, v(id)::vector(1000) <-> v(t.id) AS d FROM full_disk
  ORDER BY v(id)::vector(1000) <-> v(t.id) LIMIT 1) x WHERE x.id = t.id AND x.d = 0);
SELECT hnsw_check('full_disk_v_idx');
SQL
}

# ---- while an index is built ----

for my $limit (16384, 2 * $mb, 5 * $mb)
{
	my $files = scalar_query($node, 'SELECT count(*) FROM files()');
	my ($client) = limited($limit, "$build;", 'SELECT 1;');
	$client->finish;
	like($client->err, qr/ERROR:  could not (extend|write) file .*: File too large/,
		"a build that fills the disk at $limit bytes fails");
	like($client->out, qr/^1$/m, 'the session goes on');
	is(scalar_query($node, "SELECT count(*) FROM pg_class WHERE relname = 'full_disk_v_idx'"), 0, 'no index is left');
	$node->safe_psql('postgres', 'CHECKPOINT');
	is(scalar_query($node, 'SELECT count(*) FROM files()'), $files, 'nor a file of it');
}
{
	my ($client) = limited(3 * $mb, "SET maintenance_work_mem = '1MB';", "$build;");
	$client->finish;
	like($client->err, qr/ERROR:  could not (extend|write) file .*: File too large/,
		'so does a build that goes on on pages');
}
$node->safe_psql('postgres', $build);
is(index_problems(), '', 'with room again, the index is built');

# ---- while rows are inserted ----

my $size = scalar_query($node, "SELECT pg_relation_size('full_disk_v_idx')");
my $end = int($size / 8192) * 8192 + 65536;
my ($client) = limited($end,
	(map { "INSERT INTO full_disk VALUES ($_);" } 2001 .. 2400), "SELECT 'count ' || count(*) FROM full_disk;");
$client->finish;
like($client->err, qr/ERROR:  could not extend file .*: File too large/, 'insertions fail when the disk is full');
my ($count) = $client->out =~ /^count (\d+)$/m;
is($count, scalar_query($node, 'SELECT count(*) FROM full_disk'), 'those that were confirmed are there');
cmp_ok($count, '<', 1900, 'and some were not');
is(index_problems(), '', 'the index is sound while the disk is full');
$node->safe_psql('postgres', 'INSERT INTO full_disk SELECT generate_series(3001, 3100)');
is(index_problems(), '', 'and takes rows when there is room again');
$node->safe_psql('postgres', 'DELETE FROM full_disk WHERE id % 3 = 0; VACUUM (INDEX_CLEANUP ON) full_disk');
is(index_problems(), '', 'and is vacuumed');

# A full disk hinders neither deletion nor vacuum.
$size = scalar_query($node, "SELECT pg_relation_size('full_disk_v_idx')");
($client) = limited($size, 'DELETE FROM full_disk WHERE id % 3 = 1;', 'VACUUM (INDEX_CLEANUP ON) full_disk;');
$client->finish;
is($client->err, '', 'vacuum needs no more room');
is(index_problems(), '', 'and leaves the index sound');

# ---- while pending elements are linked ----

# Nor does it hinder linking: lists have their places beside the elements. What cannot
# be written any more is not pending.
$node->safe_psql('postgres', "SELECT hnsw_cleanup('full_disk_v_idx'); INSERT INTO full_disk SELECT generate_series(4001, 4400)");
my $pending = "SELECT pending FROM hnsw_status('full_disk_v_idx')";
cmp_ok(scalar_query($node, $pending), '>=', 400, 'elements are pending');
$size = scalar_query($node, "SELECT pg_relation_size('full_disk_v_idx')");
($client) = limited($size, 'INSERT INTO full_disk SELECT generate_series(5001, 6000);', "SELECT hnsw_sync('full_disk_v_idx') \\g /dev/null");
$client->finish;
is(scalar(() = $client->err =~ /ERROR:/g), 1, 'inserting fails, linking does not');
is(scalar_query($node, $pending), 0, 'all are linked, the rows of the failed statement too');
is(index_problems(), '', 'nothing is lost');
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) full_disk');
is(index_problems(), '', 'nor after a vacuum');

# The same for the worker, which must not end before it has its limit.
$node->append_conf('postgresql.conf', 'hnsw.sync_interval = 10');
$node->reload;
$node->safe_psql('postgres', 'INSERT INTO full_disk VALUES (7001)');
my $worker;
wait_until(sub { $worker = scalar_query($node, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'hnswpg worker'") })
  or die 'there is no worker';
$size = scalar_query($node, "SELECT pg_relation_size('full_disk_v_idx')");
system("prlimit --pid $worker --fsize=$size:unlimited") == 0 or die 'prlimit fails';
$node->safe_psql('postgres', 'INSERT INTO full_disk SELECT generate_series(7002, 7200); DELETE FROM full_disk WHERE id % 2 = 0; VACUUM (INDEX_CLEANUP ON) full_disk');
ok(wait_until(sub { scalar_query($node, $pending) == 0 }), 'the worker links where nothing can be added to a file');
ok(cleaned_up($node, 'full_disk_v_idx'), 'and cleans up');
is(index_problems(), '', 'and leaves the index sound');

unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/, 'no process crashed');
$node->stop;
done_testing();
