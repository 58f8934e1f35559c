# Ending a build, an insertion and a vacuum in the middle: by pg_cancel_backend,
# by a timeout, by pg_terminate_backend. It takes less than a second, leaves
# neither threads nor files nor memory, and the work can be done again.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);
use HnswClient;
use HnswFault;

seed_random();
my $rows = slow_tests() ? 60000 : 6000;
my $node = fault_node('cancel', conf => <<'CONF');
maintenance_work_mem = 256MB
max_parallel_maintenance_workers = 3
CONF
$node->safe_psql('postgres', 'CREATE TABLE large (id bigint PRIMARY KEY, v vector(128));'
	  . "INSERT INTO large SELECT g, vec(g, 128) FROM generate_series(1, $rows) g");
my $build = 'CREATE INDEX large_v_idx ON large USING hnsw (v vector_l2_ops) WITH (m = 32, ef_construction = 400)';

sub files
{
	$node->safe_psql('postgres', 'CHECKPOINT');
	return $node->safe_psql('postgres', <<'SQL');
SELECT string_agg(name, ' ' ORDER BY name) FROM pg_database d, pg_ls_dir('base/' || d.oid) name
  WHERE datname = current_database() AND name ~ '^[0-9]+$'
    AND name::oid NOT IN (SELECT relfilenode FROM pg_class) AND pg_filenode_relation(0, name::oid) IS NULL
SQL
}

my $orphans_before = files();

# The phase of a build, as pg_stat_progress_create_index shows it; '' if there is none.
# The same statement ends it by $how, if that is a function: a moment later it may be
# complete.
sub hit
{
	my ($how, $pid) = @_;
	my $blow = $how =~ /^pg_/ ? "$how(pid)" : 'true';
	return scalar_query($node,
		"SELECT CASE WHEN $blow THEN phase || ' ' || tuples_done END FROM pg_stat_progress_create_index WHERE pid = $pid");
}

# Starts a build and ends it by $how at a random time before $limit_ms, in the middle,
# if it is left alone for so long. Returns its client, its backend, the phase it was in
# and when that was.
sub hit_in_the_middle
{
	my ($how, $limit_ms, %option) = @_;
	for (1 .. 20)
	{
		my $client = HnswClient->start($node,
			($option{settings} // '') . "\n$build;\nSET statement_timeout = 0;\nSELECT 'still here';\nSELECT pg_sleep(100);\n",
			stop_on_error => 0);
		my $pid = $client->backend;
		my $threads = 0;
		my $over = sub { $client->ended || $client->out =~ /still here/ };
		wait_until(sub { $threads = backend_tasks($pid); $threads > 1 || $over->() })
		  unless $option{one_thread};
		usleep(1000 * rand $limit_ms);
		my $begin = time;
		my $at = hit($how, $pid);
		if ($at ne '' || $how =~ /timeout/)
		{
			# Short of time it may not have come to that.
			cmp_ok($threads, '>', 1, "$how: the build uses threads ($threads)") unless $option{one_thread} || $how =~ /timeout/;
			return ($client, $pid, $at, $begin);
		}
		# It was faster this time.
		$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
		$client->finish;
		$node->safe_psql('postgres', 'DROP INDEX IF EXISTS large_v_idx');
		$limit_ms *= 0.7;
	}
	die 'no build was met in the middle';
}

# Ends a build by $how, and looks at what is left of it.
sub interrupted_build
{
	my ($how, $limit_ms, %option) = @_;
	my ($client, $pid, $at, $begin) = hit_in_the_middle($how, $limit_ms, %option);
	my $gone = $how eq 'pg_terminate_backend' ? sub { !-d "/proc/$pid" } : sub { $client->out =~ /still here/ };
	ok(wait_until(sub { $gone->() || $client->err =~ /ERROR|FATAL/ }), "$how: the build ends ($at)");
	wait_until($gone);
	my $seconds = time - $begin;
	cmp_ok($seconds, '<', 1, sprintf('%s: within a second (%.0f ms)', $how, 1000 * $seconds))
	  unless $how =~ /timeout/;
	if ($how ne 'pg_terminate_backend')
	{
		is(backend_tasks($pid), 1, "$how: no thread is left");
		cmp_ok(backend_memory($pid), '<', 20000, "$how: the memory is given back");
		$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	}
	$client->finish;
	is(scalar_query($node, "SELECT count(*) FROM pg_class WHERE relname = 'large_v_idx'"), 0, "$how: there is no index");
	is(files(), $orphans_before, "$how: no file is left");
	return $client;
}

# How long a whole build takes.
my $begin = time;
$node->safe_psql('postgres', "$build; DROP INDEX large_v_idx");
my $whole = 1000 * (time - $begin);
note(sprintf('a whole build takes %.0f ms', $whole));

for my $point (1 .. (slow_tests() ? 30 : 4))
{
	like(interrupted_build('pg_cancel_backend', 0.6 * $whole)->err,
		qr/canceling statement due to user request/, 'pg_cancel_backend: the message says so');
	interrupted_build('pg_terminate_backend', 0.6 * $whole);
}
# Well before the end, which may come much sooner than the first time where others had
# the machine then.
my $timeout = int(0.1 * $whole);
like(interrupted_build('timeout', 0, settings => "SET statement_timeout = '${timeout}ms';")->err,
	qr/canceling statement due to statement timeout/, 'statement_timeout: the message says so');
# On pages, after the memory was used up.
interrupted_build('pg_cancel_backend', 0.6 * $whole,
	settings => "SET maintenance_work_mem = '2MB'; SET client_min_messages = warning;", one_thread => 1);

# An interrupt that is none of the build's business does not end it.
{
	my $client = HnswClient->start($node, "$build;\n\\echo ack built\n");
	my $pid = $client->backend;
	my $knocks = 0;
	until ($client->ended)
	{
		$node->psql('postgres', "SELECT count(pg_log_backend_memory_contexts($pid)) FROM generate_series(1, 200)",
			stderr => \my $none_left);    # warnings, once the backend has ended
		$knocks++;
	}
	$client->finish;
	is(join(' ', $client->err, $client->acknowledged), ' built', "interrupts without an error do not end a build ($knocks)");
}

# ---- an insertion that waits for the graph, and a vacuum ----

$node->safe_psql('postgres', 'CREATE TABLE held (id bigint PRIMARY KEY, v vector(16));'
	  . 'INSERT INTO held SELECT g, vec(g, 16) FROM generate_series(1, 800) g;'
	  . 'CREATE INDEX held_v_idx ON held USING hnsw (v vector_l2_ops);');
$table{held} = { dim => 16, index => '(v vector_l2_ops)', rows => 800 };
for my $round (1 .. 10)
{
	# A vacuum that is cancelled somewhere; the next one completes it.
	$node->safe_psql('postgres', "DELETE FROM held WHERE id % 20 = $round");
	my $client = HnswClient->start($node, "VACUUM (INDEX_CLEANUP ON) held;\nSELECT pg_sleep(100);\n", stop_on_error => 0);
	my $pid = $client->backend;
	usleep(rand 40_000);
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	my $inserted = 10000 + $round;
	$node->safe_psql('postgres', "SET lock_timeout = '10s'; INSERT INTO held SELECT $inserted, vec($inserted, 16)");
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	$client->finish;
	is_sound($node, 'held', "a vacuum cut short, round $round: the index is sound");
}
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) held');
is_sound($node, 'held', 'and after one that is not');
is(scalar_query($node, "SELECT count(*) FROM hnsw_check('large_v_idx')"), 0, 'the large index is sound');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/, 'no process crashed');
$node->stop;
done_testing();
