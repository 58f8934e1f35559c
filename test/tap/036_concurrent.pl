# Many sessions at once: writers and readers beside a vacuum and the worker;
# insertions with a limit on waiting; CREATE INDEX CONCURRENTLY and REINDEX CONCURRENTLY beside writers, left
# alone and killed; little memory.
#
# HNSWPG_SECONDS is how long the first part takes, and HNSWPG_SHARED_BUFFERS how much the
# server has: HNSWPG_SECONDS=3600 HNSWPG_SHARED_BUFFERS=1MB is an hour in which every page is
# evicted over and over.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Run;
use Time::HiRes qw(time usleep);
use HnswClient;
use HnswFault;
use HnswKill;
use HnswWorker;

seed_random();
my $limit = 100;
my $cleanup = 0.02;
my $node = fault_node('concurrent',
	conf => "wal_consistency_checking = 'generic'\ndeadlock_timeout = 100ms\n"
	  . "hnsw.sync_interval = 1\nhnsw.pending_limit = $limit\nhnsw.cleanup_threshold = $cleanup\n"
	  . 'shared_buffers = ' . ($ENV{HNSWPG_SHARED_BUFFERS} // '64MB'));
my $seconds = $ENV{HNSWPG_SECONDS} // (slow_tests() ? 120 : 6);

# ---- four writers, four readers, a worker ----

create_table($node, $_, 300) for qw(codes equal exact);
$node->safe_psql('postgres', 'CREATE SEQUENCE ids START 10000');

# A search that fails unless it finds the row itself: of the rows with this vector
# no more than fit into the limit.
sub find
{
	my ($name, $id) = @_;
	my $vector = vector_sql($name, $id);
	return "SELECT 1 / count(*) FROM (SELECT id FROM $name ORDER BY v <-> (SELECT $vector) LIMIT 200) x WHERE id = $id;\n";
}
sub old_rows
{
	my ($name) = @_;
	return "SELECT id FROM $name WHERE id < (SELECT max(id) - 100 FROM $name) ORDER BY id LIMIT 3 FOR UPDATE SKIP LOCKED";
}
# So wide that a search looks at all there is: what it misses cannot be put down to recall.
my $search = "SET enable_seqscan = off;\nSET enable_sort = off;\nSET hnsw.ef_search = 3000;\n";
my %writers = (
	'insert@5' => $search . <<'SQL'
SELECT nextval('ids') AS id \gset
BEGIN;
INSERT INTO codes SELECT :id, vec(:id, 16);
INSERT INTO equal SELECT :id, vec(:id % 60, 16);
INSERT INTO exact SELECT :id, vec(:id, 16);
SQL
	  . join('', map { find($_, ':id') } qw(codes equal exact))
	  . "END;\n"
	  . join('', map { find($_, ':id') } qw(codes equal exact)),
	'roll_back@1' => <<'SQL',
SELECT nextval('ids') AS id \gset
BEGIN;
INSERT INTO exact SELECT :id, vec(:id, 16);
SAVEPOINT s;
INSERT INTO equal SELECT :id, vec(:id % 60, 16);
INSERT INTO codes SELECT :id, vec(:id, 16);
ROLLBACK TO s;
INSERT INTO codes SELECT :id, vec(:id, 16);
ROLLBACK;
SQL
	# Rows that no writer is about to look for: where others hold locks, the oldest that
	# are not locked may be the newest of all.
	'delete@2' => join('', map { "DELETE FROM $_ WHERE id IN (" . old_rows($_) . ") AND (SELECT count(*) FROM $_) > 200;\n" } qw(codes equal))
	  . 'UPDATE exact SET v = vec(id + 5000000, 16) WHERE id IN (' . old_rows('exact') . ");\n",
	'bound@1' => join('', map { <<"SQL" } qw(codes equal exact)),
DELETE FROM $_ WHERE id IN (SELECT id FROM $_ WHERE id < (SELECT id FROM $_ ORDER BY id DESC OFFSET 1000 LIMIT 1)
  FOR UPDATE SKIP LOCKED);
SQL
);
my %readers = (
	'search@6' => $search . <<'SQL',
\set q random(1, 10000)
SELECT count(*) FROM (SELECT id FROM codes ORDER BY v <-> (SELECT vec(:q, 16)) LIMIT 20) x;
SELECT 1 / (count(*) = count(DISTINCT id))::int FROM (SELECT id FROM equal ORDER BY v <-> (SELECT vec(:q % 60, 16)) LIMIT 100) x;
SQL
	# Four writers may each add one beyond the limit before they link some.
	'limit@2' => "SELECT 1 / (pending <= $limit + 4)::int FROM hnsw_indexes;\n",
	'vacuum@1' => "VACUUM (INDEX_CLEANUP ON, SKIP_LOCKED) codes, equal, exact;\n",);

# Starts pgbench with four clients for scripts "name@weight" => SQL. What it says goes to files:
# a pipe that nobody reads for long would fill with the warnings of VACUUM, and stop it.
sub log_of { my ($who, $stream) = @_; return "$PostgreSQL::Test::Utils::tmp_check/$who.$stream" }
sub bench
{
	my ($who, %script) = @_;
	my @files;
	for (sort keys %script)
	{
		my ($base, $weight) = split /@/;
		my $file = "$PostgreSQL::Test::Utils::tmp_check/$base.sql";
		unlink $file;
		append_to_file($file, $script{$_});
		push @files, '-f', "$file\@$weight";
	}
	return IPC::Run::start([ $node->installed_command('pgbench'), '-n', '-c', 4, '-j', 2, '-T', $seconds,
			@files, $node->connstr('postgres') ], '<', \undef, '>', log_of($who, 'out'), '2>', log_of($who, 'err'));
}

my @running = (bench('writers', %writers), bench('readers', %readers));
ok($_->finish, 'four clients come to their end') for @running;
for my $who (qw(readers writers))
{
	my $errors = join("\n", slurp_file(log_of($who, 'err')) =~ /^(.*(?:ERROR|error|aborted).*)$/mg);
	is($errors, '', "$who: no error, so no deadlock");
	note("$who: ", slurp_file(log_of($who, 'out')) =~ /(number of transactions actually processed: \d+)/);
}
is_sound($node, $_, "$_: every row is found once, the index is sound") for qw(codes equal exact);
$node->safe_psql('postgres', 'DELETE FROM codes WHERE id % 2 = 0; VACUUM (INDEX_CLEANUP ON) codes, equal, exact');
is_sound($node, $_, "$_: also after a vacuum") for qw(codes equal exact);
my $left = "SELECT coalesce(sum(pending), 0) FROM hnsw_indexes";
ok(wait_until(sub { scalar_query($node, $left) == 0 }, 30), 'the worker links what is left');
ok(cleaned_up($node, 'codes_v_idx'), 'and frees what is dead');
is_sound($node, $_, "$_: and after that") for qw(codes equal exact);

# ---- a limit on waiting for the graph ----

# One session inserts many rows, each of which takes long to link, at once; others
# give up waiting. What they wrote already must do no harm.
$table{slow} = {
	dim => 4000, rows => 300,
	index => '(v vector_l2_ops) WITH (m = 100, ef_construction = 1000, quantization = none, sync = immediate)' };
create_table($node, 'slow', 300);
my $long = HnswClient->start($node, 'INSERT INTO slow SELECT g, vec(g, 4000) FROM generate_series(5000, 5250) g;');
$long->backend;
my $waiting = HnswClient->start($node,
	"SET lock_timeout = '1ms';\n" . join("\n", map { "INSERT INTO slow SELECT $_, vec($_, 4000);" } 9001 .. 9030),
	stop_on_error => 0);
$waiting->finish;
ok(!$long->ended, 'one session holds the lock of the graph again and again');
$long->finish;
my $given_up = () = $waiting->err =~ /ERROR:  canceling statement due to lock timeout/g;
my $others = () = $waiting->err =~ /ERROR:  (?!canceling statement due to lock timeout)/g;
cmp_ok($given_up, '>', 0, "insertions that wait for the graph heed lock_timeout ($given_up of 30)");
is($others, 0, 'and fail in no other way');
is($long->err, '', 'the other session does not');
is(scalar_query($node, 'SELECT count(*) FROM slow WHERE id > 9000'), 30 - $given_up, 'the rows confirmed are there');
is_sound($node, 'slow', 'insertions given up leave the index sound');
$node->safe_psql('postgres', 'DELETE FROM slow WHERE id % 10 <> 0; VACUUM (INDEX_CLEANUP ON) slow');
is_sound($node, 'slow', 'also for a vacuum');

# ---- little memory ----

create_table($node, 'cosine', 4000, no_index => 1);
my ($status, $stdout, $stderr) =
  $node->psql('postgres', "SET maintenance_work_mem = '1MB'; " . index_sql('cosine'));
like($stderr, qr/NOTICE:  .*maintenance_work_mem after \d+ rows/, 'a build without enough memory says so');
is($status, 0, 'and succeeds');
is_sound($node, 'cosine', 'and leaves a complete index');

# ---- CREATE INDEX CONCURRENTLY, REINDEX CONCURRENTLY ----

sub writers
{
	my ($name, $first) = @_;
	return map {
		my $from = $first + $_ * 100000;
		my $id = vector_sql($name, 'i');
		my $new = vector_sql($name, 'id + 5000000');
		HnswClient->start($node, <<"SQL")
DO \$\$
DECLARE i bigint := $from;
BEGIN
  WHILE NOT EXISTS (SELECT FROM stop) LOOP
    i := i + 1;
    INSERT INTO $name SELECT i, $id;
    IF i % 3 = 0 THEN DELETE FROM $name WHERE id = i - 2; END IF;
    IF i % 5 = 0 THEN UPDATE $name SET v = $new WHERE id = i - 1; END IF;
    COMMIT;
    PERFORM pg_sleep(0.002);
  END LOOP;
END \$\$;
SQL
	} 1, 2;
}

$node->safe_psql('postgres', 'CREATE TABLE stop (x int); DROP INDEX codes_v_idx, equal_v_idx');
my $first = 1_000_000;
for my $name (qw(codes equal))
{
	$node->safe_psql('postgres', 'TRUNCATE stop');
	my @writers = writers($name, $first += 1_000_000);
	usleep(100_000);
	$node->safe_psql('postgres', index_sql($name, 'CONCURRENTLY'));
	usleep(100_000);
	$node->safe_psql('postgres', "REINDEX INDEX CONCURRENTLY ${name}_v_idx");
	$node->safe_psql('postgres', "REINDEX TABLE CONCURRENTLY $name");
	usleep(100_000);
	$node->safe_psql('postgres', 'INSERT INTO stop VALUES (1)');
	$_->finish for @writers;
	is(join('', map { $_->err } @writers), '', "$name: rows are written during CREATE INDEX CONCURRENTLY");
	is_sound($node, $name, "$name: and all of them are in the index");
}

# Cancelled or killed: an invalid index stays, as with any access method, which
# can be dropped or built again.
for my $round (1 .. 4)
{
	$node->safe_psql('postgres', 'TRUNCATE stop; DROP INDEX codes_v_idx');
	my @writers = writers('codes', $first += 1_000_000);
	my $build = HnswClient->start($node, index_sql('codes', 'CONCURRENTLY') . ";\nSELECT pg_sleep(100);\n");
	my $pid = $build->backend;
	usleep(rand 60_000);
	my $kills = $round % 2;
	if ($kills) { kill_backend($node, $build)->() }
	else { $node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)") }
	$node->safe_psql('postgres', 'INSERT INTO stop VALUES (1)');
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	$_->finish for $build, @writers;
	my $valid = scalar_query($node,
		"SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('codes_v_idx')");
	my $found = { '' => 'no', f => 'an invalid', t => 'a complete' }->{$valid};
	my $repair = $valid eq '' ? index_sql('codes')
	  : $valid eq 't' ? 'SELECT 1'
	  : $round > 2 ? 'REINDEX INDEX CONCURRENTLY codes_v_idx'
	  : 'DROP INDEX codes_v_idx; ' . index_sql('codes');
	$node->safe_psql('postgres', $repair);
	is_sound($node, 'codes',
		($kills ? 'killed' : 'cancelled') . ", CREATE INDEX CONCURRENTLY leaves $found index, which can be mended");
}
unlike(slurp_file($node->logfile), qr/PANIC|inconsistent page/, 'no process failed by itself');
$node->stop;
done_testing();
