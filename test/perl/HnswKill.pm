# Kills a server in the middle of building, inserting, vacuuming, linking and
# cleaning up, many times, and looks at what is left each time.
#
# One cluster takes all the blows, so what one recovery got wrong meets the next.
# The delay before a kill is random within the time that the operation took when
# it was left alone, or in its last undisturbed run; a blow that came too late is
# not counted.
package HnswKill;

use strict;
use warnings;
use Exporter 'import';
use Cwd qw(realpath);
use Time::HiRes qw(time usleep);
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;

our @EXPORT = qw(kill_points kill_backend kill_postmaster);

# Whether a process runs. One that was killed and that nobody has asked after yet
# does not.
sub is_running
{
	my ($pid) = @_;
	open my $stat, '<', "/proc/$pid/stat" or return 0;
	return (<$stat> // '') =~ /\) [^ZX] /;
}

# A blow is made in two steps, so that it falls in time: the first finds out whom
# to kill and returns the second, which kills and waits until the server is up
# again. That returns false if the victim was not there any more.

# Kills the backend, a client's or one of that process id; the server restarts itself.
sub kill_backend
{
	my ($node, $victim) = @_;
	my $pid = ref $victim ? $victim->backend : $victim;
	return sub { fell_backend($node, $pid) };
}

sub fell_backend
{
	my ($node, $pid) = @_;
	my $log_end = -s $node->logfile;
	my $log = sub { slurp_file($node->logfile, $log_end) };
	# One that is about to end by itself can be killed, but ends as it would have. What
	# befell it the server's log says, as soon as the postmaster has buried it.
	return 0 unless kill 'KILL', $pid;
	wait_until(sub { !-d "/proc/$pid" }) or die "process $pid outlives its death";
	return 0 unless wait_until(sub { $log->() =~ /\(PID $pid\) was terminated by signal 9/ }, 5);
	wait_until(sub { $log->() =~ /all server processes terminated; reinitializing/ })
	  or die 'the server does not restart after the crash of a backend';
	my $up = wait_until(
		sub {
			die "recovery failed:\n" . $log->() if $log->() =~ /FATAL.*inconsistent|PANIC/;
			return $log->() =~ /reinitializing.*database system is ready to accept connections/s;
		});
	die "the server does not accept connections again:\n" . $log->() unless $up;
	return 1;
}

# Kills the postmaster, with all its children at once or leaving them to notice,
# and starts it again.
sub kill_postmaster
{
	my ($node, $client) = @_;
	return sub { fell_postmaster($node) };
}

# All that run in the server's data directory: a child may be forked at any time.
sub server_processes
{
	my ($node) = @_;
	my $directory = realpath($node->data_dir);
	return grep { (readlink("/proc/$_/cwd") // '') eq $directory } map { m{(\d+)$} } glob '/proc/[0-9]*';
}

# The worker's process id. Found without a session: on a busy machine the writers are
# done before psql has begun.
sub running_worker
{
	my ($node) = @_;
	my @workers = grep { slurp_command($_) =~ /hnswpg worker/ } server_processes($node);
	# The last one that was started: the one before it may be about to end.
	return (sort { start_time($a) <=> start_time($b) } @workers)[-1];
}

sub slurp_command
{
	my ($pid) = @_;
	open my $command, '<', "/proc/$pid/cmdline" or return '';
	return <$command> // '';
}

# In ticks since the machine's start.
sub start_time
{
	my ($pid) = @_;
	open my $stat, '<', "/proc/$pid/stat" or return 0;
	my ($behind_name) = (<$stat> // '') =~ /\) (.*)/ or return 0;
	return (split / /, $behind_name)[19];
}

sub fell_postmaster
{
	my ($node) = @_;
	my $postmaster = $node->{_pid};
	my $at_once = rand() < 0.85;
	kill 'KILL', $postmaster;
	kill 'KILL', server_processes($node) if $at_once;
	$node->kill9;
	wait_until(sub { !grep { is_running($_) } $postmaster, server_processes($node) })
	  or die 'backends outlive the postmaster';
	# Where the system's first process is slow to bury the dead, the old postmaster's
	# number would look alive to the new one.
	unlink $node->data_dir . '/postmaster.pid',
	  $node->host . '/.s.PGSQL.' . $node->port . '.lock';
	my $log_end = -s $node->logfile;
	$node->start;
	my $log = substr(slurp_file($node->logfile), $log_end);
	die "recovery failed:\n$log" if $log =~ /PANIC|inconsistent page/;
	return 1;
}

# ---- what is going on when the blow falls ----

# Every operation: prepare(node, table) makes ready; scripts(...) are what its clients
# run, the first one is the one to be killed, unless victim(node) knows another;
# repair(...) makes all well again, returns false if the operation was complete, and
# is followed by the check.

my $next_id = 1_000_000;

sub pick { return $_[ int rand @_ ] }

# Statements of one client on a table. Its rows are its own.
sub writing_script
{
	my ($name, $statements) = @_;
	my $row = sub { my $id = $next_id++; return ($id, "INSERT INTO $name SELECT $id, " . vector_sql($name, $id)) };
	my (@own, @lines);
	for (1 .. $statements)
	{
		my $dice = rand;
		if ($dice < 0.7 || !@own)
		{
			my ($id, $insert) = $row->();
			push @own, $id;
			push @lines, "$insert;", "\\echo ack +$id";
		}
		elsif ($dice < 0.78)
		{
			my ($a, $insert_a) = $row->();
			my ($b, $insert_b) = $row->();
			push @own, $a, $b;
			push @lines, "BEGIN; $insert_a; SAVEPOINT s; $insert_b; COMMIT;", "\\echo ack +$a",
			  "\\echo ack +$b";
		}
		elsif ($dice < 0.82)
		{
			my ($id, $insert) = $row->();
			push @lines, "BEGIN; $insert; ROLLBACK;", "\\echo ack -$id";
		}
		elsif ($dice < 0.9)
		{
			my $id = splice @own, int rand @own, 1;
			push @lines, "\\echo ack ?$id", "DELETE FROM $name WHERE id = $id;", "\\echo ack -$id";
		}
		else
		{
			my $id = pick(@own);
			my $new = vector_sql($name, "$id + 500000");
			push @lines, "UPDATE $name SET v = $new WHERE id = $id;", "\\echo ack u";
		}
	}
	return join("\n", @lines, "SELECT 'ack end';", "SELECT pg_sleep(60);", '');
}

sub shrink
{
	my ($node, $name) = @_;
	my $rows = int($table{$name}{rows} * (0.4 + rand(0.4)));
	$node->safe_psql('postgres',
		"DELETE FROM $name WHERE id IN (SELECT id FROM $name ORDER BY random() OFFSET $rows)");
}

my %operation = (
	build => {
		tables => [qw(many many wide)],
		prepare => sub {
			my ($node, $name) = @_;
			$node->safe_psql('postgres', "DROP INDEX IF EXISTS ${name}_v_idx");
		},
		scripts => sub {
			my ($node, $name) = @_;
			my $memory = rand() < 0.3 ? '1MB' : '64MB';
			my $how = rand() < 0.25 ? 'CONCURRENTLY' : '';
			return ("SET maintenance_work_mem = '$memory'; SET client_min_messages = warning;\n"
				  . index_sql($name, $how) . ";\nSELECT 'ack end';\nSELECT pg_sleep(60);\n");
		},
		repair => sub {
			my ($node, $name) = @_;
			my $valid = scalar_query($node,
				"SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('${name}_v_idx')");
			# The blow fell between the commit and its report.
			return 0 if $valid eq 't';
			$node->safe_psql('postgres',
				$valid eq 'f' ? pick("REINDEX INDEX ${name}_v_idx",
					"DROP INDEX ${name}_v_idx; " . index_sql($name)) : index_sql($name));
			return 1;
		},
	},
	insert => {
		tables => [qw(codes prompt exact equal wide spread cosine)],
		prepare => sub { },
		scripts => sub {
			my ($node, $name) = @_;
			my $n = int($table{$name}{rows} / 4);
			return (writing_script($name, $n), writing_script($name, $n));
		},
		repair => sub { 1 },
	},
	vacuum => {
		tables => [qw(codes prompt exact equal wide spread cosine)],
		prepare => sub { shrink(@_) },
		scripts => sub {
			my ($node, $name) = @_;
			my $vacuum = "SET client_min_messages = error;\nVACUUM (INDEX_CLEANUP ON) $name;\n"
			  . "SELECT 'cleaned ' || hnsw_cleanup('${name}_v_idx');\n"
			  . "SELECT 'ack end';\nSELECT pg_sleep(60);\n";
			return ($vacuum, rand() < 0.5 ? writing_script($name, int($table{$name}{rows} / 8)) : ());
		},
		repair => sub { 1 },
	},
	# The worker links, and cleans up, what the clients leave.
	work => {
		tables => [qw(codes equal spread exact)],
		prepare => sub {
			my ($node, $name) = @_;
			delete_vacuumed($node, $name);
			backlog($node, $name, $table{$name}{rows} / 4);
		},
		scripts => sub { my ($node, $name) = @_; return writers($name, 4) },
		victim => sub {
			my ($node) = @_;
			my $pid;
			wait_until(sub { $pid = running_worker($node) }, 10) or die 'there is no worker';
			return $pid;
		},
		repair => sub { 1 },
	},
	# One by one: what is pending, then what the other clients add.
	link => {
		tables => [qw(codes equal spread exact wide)],
		prepare => sub { my ($node, $name) = @_; backlog($node, $name, $table{$name}{rows} / 2) },
		scripts => sub {
			my ($node, $name) = @_;
			return (statements(("SELECT hnsw_sync('${name}_v_idx') >= 0;") x 6), writers($name, 4));
		},
		repair => sub { 1 },
	},
	# Through a graph in memory.
	bulk => {
		tables => [qw(large)],
		prepare => sub { my ($node, $name) = @_; backlog($node, $name, 2100) },
		scripts => sub {
			my ($node, $name) = @_;
			return (statements("SELECT hnsw_sync('${name}_v_idx') > 0;"), writers($name, 4));
		},
		repair => sub { 1 },
	},
	clean => {
		tables => [qw(codes equal wide exact)],
		prepare => sub {
			my ($node, $name) = @_;
			delete_vacuumed($node, $name);
			backlog($node, $name, $table{$name}{rows} / 8);
		},
		scripts => sub {
			my ($node, $name) = @_;
			return (statements("SELECT hnsw_cleanup('${name}_v_idx') > 0;"), writers($name, 4));
		},
		repair => sub { 1 },
	},);

# What a client does that is to be killed.
sub statements
{
	return join "\n", 'SET client_min_messages = error;', @_, "SELECT 'ack end';", 'SELECT pg_sleep(60);', '';
}

sub writers
{
	my ($name, $n) = @_;
	return map { writing_script($name, int($table{$name}{rows} / 4)) } 1 .. $n;
}

# Rows that stay pending: what a session with so high a limit inserts.
sub backlog
{
	my ($node, $name, $rows) = @_;
	my $first = $next_id;
	$next_id += $rows = int($rows);
	$node->safe_psql('postgres', "SET hnsw.pending_limit = 1000000;"
		  . "INSERT INTO $name SELECT g, " . vector_sql($name, 'g')
		  . " FROM generate_series($first, $first + $rows - 1) g");
}

sub delete_vacuumed
{
	my ($node, $name) = @_;
	shrink($node, $name);
	$node->safe_psql('postgres', "VACUUM (INDEX_CLEANUP ON) $name");
}

# The rows that the server confirmed are there, those it confirmed as deleted or
# rolled back are not.
sub lost_rows
{
	my ($node, $name, @clients) = @_;
	my %there;
	for my $client (@clients)
	{
		for my $said ($client->acknowledged)
		{
			next unless $said =~ /^([-+?])(\d+)$/;
			if ($1 eq '?') { delete $there{$2} }
			else { $there{$2} = $1 eq '+' }
		}
	}
	return '' unless %there;
	my $ids = join ',', keys %there;
	my %found = map { $_ => 1 } split /\n/,
	  $node->safe_psql('postgres', "SELECT id FROM $name WHERE id IN ($ids)");
	my @wrong = grep { $there{$_} != ($found{$_} // 0) } sort keys %there;
	return @wrong ? "rows confirmed and lost, or deleted and back: @wrong" : '';
}

# What went wrong before the blow.
sub errors
{
	return map { $_->err =~ /(ERROR:.*)/ ? $1 : () } @_;
}

# Whether the client has done all it was to do; psql sends the result of a query
# to its output at once, unlike what it echoes.
sub has_ended { return scalar grep { $_ eq 'end' } $_[0]->acknowledged }

sub end_clients
{
	my ($node, @clients) = @_;
	my $pids = join ', ', map { $_->backend } @clients;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN ($pids)");
	$_->finish for @clients;
}

# One blow. Returns whether it came in time, and a text that says what is wrong
# after it.
sub strike
{
	my ($node, $kind, $name, $longest, $blow) = @_;
	my $operation = $operation{$kind};
	$operation->{prepare}->($node, $name);
	my @clients = start_clients($node, $operation->{scripts}->($node, $name));
	my $strike = $blow->($node, $operation->{victim} ? $operation->{victim}->($node) : $clients[0]);
	usleep(1e6 * rand($longest));
	if ($clients[0]->ended || has_ended($clients[0]))
	{
		end_clients($node, @clients);
		return (0, join "\n", errors(@clients));
	}
	my $in_time = 1;
	my $killed = $strike->();
	# Clients whose server goes on would sleep for a minute.
	end_clients($node, @clients) unless $killed;
	$_->finish for @clients;
	$in_time &&= $killed && !has_ended($clients[0]);
	my @wrong = grep { $_ ne '' } errors(@clients), lost_rows($node, $name, @clients);
	$in_time = $operation->{repair}->($node, $name) && $in_time;
	push @wrong, problems($node, $name);
	return ($in_time, join("\n", grep { $_ ne '' } @wrong));
}

# The first one last, for what it does may be over in a moment.
sub start_clients
{
	my ($node, $first, @scripts) = @_;
	my @others = map { HnswClient->start($node, $_) } @scripts;
	$_->backend for @others;
	my $client = HnswClient->start($node, $first);
	$client->backend;
	return ($client, @others);
}

# How long the operation's first client takes undisturbed.
sub measure
{
	my ($node, $kind, $name) = @_;
	my $operation = $operation{$kind};
	$operation->{prepare}->($node, $name);
	my @clients = start_clients($node, $operation->{scripts}->($node, $name));
	my $begin = time;
	wait_until(
		sub {
			die "$kind of $name fails: " . $clients[0]->err if $clients[0]->ended;
			return has_ended($clients[0]);
		});
	my $seconds = time - $begin;
	end_clients($node, @clients);
	return $seconds;
}

# Strikes until $points blows of each kind have hit. $blow is kill_backend or
# kill_postmaster, or a function that is one of them.
sub kill_points
{
	my ($node, $points, $blow, @kinds) = @_;
	for my $kind (@kinds)
	{
		my (%longest, @wrong);
		my ($hits, $misses, $begin) = (0, 0, time);
		while ($hits < $points && $misses < 10 * $points)
		{
			my @tables = @{ $operation{$kind}{tables} };
			my $name = $tables[ ($hits + $misses) % @tables ];
			$longest{$name} //= measure($node, $kind, $name);
			$node->safe_psql('postgres', 'CHECKPOINT') if rand() < 0.4 || $node->{checks_wal};
			my ($hit, $wrong) = strike($node, $kind, $name, $longest{$name}, $blow);
			$hit ? $hits++ : $misses++;
			$longest{$name} *= $hit ? 1.1 : 0.8;
			push @wrong, "$kind of $name, blow " . ($hits + $misses) . ": $wrong" if $wrong ne '';
			shrink($node, $name) if $kind ne 'build' && $kind ne 'vacuum';
		}
		is(join("\n", @wrong), '', "$kind: no row lost, none twice, the index sound after $hits blows");
		is($hits, $points, "$kind: $points blows hit in the middle ($misses too late)");
		note(sprintf('%s took %.1f s', $kind, time - $begin));
	}
}

1;
