# A walk can be stopped: cancel and statement_timeout end a search for very many
# candidates within milliseconds, wherever it is: walking, going on, sorting, or reading
# what it found; on a primary and on a standby.
# runs alone
use strict;
use warnings;
use List::Util qw(max);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);
use HnswClient;
use HnswFault;

seed_random();
my $rows = 110_000;
my $primary = fault_node('stopped', streaming => 1, conf => <<'CONF');
maintenance_work_mem = 256MB
max_parallel_maintenance_workers = 2
hnsw.sync_interval = 0
hnsw.pending_limit = 1000000
max_wal_size = 2GB
CONF
$primary->safe_psql('postgres', <<"SQL");
CREATE TABLE points (id int, v vector(4));
INSERT INTO points SELECT g, ('[' || (g * 7919) % 10007 || ',' || (g * 104729) % 10009 || ',' || (g * 1299709) % 10037 || ',' || g % 997 || ']')::vector
  FROM generate_series(1::bigint, $rows) g;
CREATE INDEX points_v_idx ON points USING hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 16);
-- The same with as many pending elements again.
CREATE TABLE waiting (id int, v vector(4));
CREATE INDEX waiting_v_idx ON waiting USING hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 16);
INSERT INTO waiting SELECT id, v FROM points WHERE id <= 60000;
SQL
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

my $settings = 'SET enable_seqscan = off; SET enable_sort = off; SET hnsw.ef_search = 100000;'
  . ' SET hnsw.max_scan_tuples = 2147483647; SET hnsw.iterative_scan = strict_order;';
sub search_of
{
	my ($table, $limit) = @_;
	return "SELECT count(*) FROM (SELECT id FROM $table ORDER BY v <-> '[1,2,3,4]' LIMIT $limit) x";
}

# How many milliseconds the server takes for it when nobody stops it.
sub whole
{
	my ($node, $search) = @_;
	my $begin = time;
	is($node->safe_psql('postgres', "$settings $search") > 0, 1, 'the search has an end');
	return 1000 * (time - $begin);
}

# What looks for interrupts all the time.
my $loop = 'DO $$BEGIN LOOP NULL; END LOOP; END$$';

# Milliseconds from statement_timeout to the error, by the client's clock.
sub late_at_timeout
{
	my ($node, $statement, $timeout) = @_;
	my ($out, $err);
	$node->psql('postgres', <<"SQL", stdout => \$out, stderr => \$err);
$settings
EXPLAIN @{[ search_of('points', 10) ]}; -- loads the module and what the planner wants to know
SET statement_timeout = '${timeout}ms';
\\timing on
$statement;
SQL
	return undef unless $err =~ /statement timeout/;
	my ($took) = $out =~ /Time: ([\d.]+)/ or return undef;
	return $took - $timeout;
}

# Milliseconds that a process has been running: waiting for a processor does not count.
sub cpu_time
{
	my ($pid) = @_;
	my ($nanoseconds) = slurp_file("/proc/$pid/schedstat") =~ /^(\d+)/;
	return $nanoseconds / 1e6;
}

# Milliseconds for which the backend goes on after the cancel.
sub late_at_cancel
{
	my ($node, $search, $after) = @_;
	my $client = HnswClient->start($node,
		"$settings\nEXPLAIN $search;\n\\echo begun\n$search;\n\\echo over\nSELECT pg_sleep(100);\n",
		stop_on_error => 0);
	my $pid = $client->backend;
	wait_until(sub { $client->out =~ /begun/ });
	usleep(1000 * $after);
	my $before = cpu_time($pid);
	kill INT => $pid;    # what pg_cancel_backend sends
	wait_until(sub { $client->out =~ /over/ });
	my $late = cpu_time($pid) - $before;
	my $completed = $client->out =~ /begun\n\d/;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	$client->finish;
	return $completed ? undef : $late;
}

for my $node ($primary, $standby)
{
	my $name = $node == $primary ? 'primary' : 'standby';
	for my $case ([ 'one round', 'points', 10 ], [ 'many rounds', 'points', $rows ], [ 'many pending', 'waiting', 10 ])
	{
		my ($what, $table, $limit) = @$case;
		my $search = search_of($table, $limit);
		my (@cancel, @timeout, @loop);
		# Where others had the machine meanwhile, it is measured again.
		for my $attempt (1 .. 3)
		{
			my $whole = whole($node, $search);
			note(sprintf('%s, %s: %.0f ms when nobody stops it', $name, $what, $whole));
			@cancel = @timeout = @loop = ();
			# Anywhere in it, as long as it has not ended.
			for my $part (0.1, 0.2, 0.35, 0.5)
			{
				my $after = max(1, int($part * $whole));
				push @cancel, grep { defined } late_at_cancel($node, $search, $after);
				push @timeout, grep { defined } late_at_timeout($node, $search, $after);
				push @loop, late_at_timeout($node, $loop, $after);
			}
			@cancel = sort { $a <=> $b } @cancel;
			@timeout = sort { $a <=> $b } @timeout;
			@loop = sort { $a <=> $b } @loop;
			last if @cancel >= 2 && @timeout >= 2 && $cancel[ $#cancel / 2 ] < 10 && $timeout[0] - $loop[0] < 10;
		}
		note("$name, $what, cancel: goes on for ms " . join(' ', map { sprintf '%.1f', $_ } @cancel));
		note("$name, $what, statement_timeout: late by ms " . join(' ', map { sprintf '%.1f', $_ } @timeout)
			  . ', a loop by ' . join(' ', map { sprintf '%.1f', $_ } @loop));
		cmp_ok(scalar(@cancel), '>=', 2, "$name, $what: a cancel stops it in the middle");
		cmp_ok($cancel[ $#cancel / 2 ] // 1000, '<', 10, "$name, $what: it is answered within 10 ms");
		# By the clock: on a machine that is busy with other things everything is late.
		cmp_ok(scalar(@timeout), '>=', 2, "$name, $what: statement_timeout stops it in the middle");
		cmp_ok(($timeout[0] // 1000) - $loop[0], '<', 10, "$name, $what: it is answered within 10 ms");
	}
}

is($primary->safe_psql('postgres', "SELECT * FROM hnsw_check('points_v_idx') LIMIT 3"), '', 'the index is sound');
$standby->stop;
$primary->stop;
done_testing();
