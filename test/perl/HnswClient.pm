# A psql that runs a script while the test does something else, for instance
# kills its backend.
#
# Output goes to files, so nobody has to empty pipes. A script says what the
# server has acknowledged with "\echo ack ..." behind a statement: psql stops at
# the first error, and the server confirms a statement only after its commit.
package HnswClient;

use strict;
use warnings;
use POSIX ();
use Time::HiRes qw(time usleep);
use PostgreSQL::Test::Utils;

my $count = 0;
my %running;

# Starts the script on $node. Options: stop_on_error (default 1), user settings in
# `options` (as for PGOPTIONS).
sub start
{
	my ($class, $node, $script, %option) = @_;
	my $base = PostgreSQL::Test::Utils::tempdir_short() . '/client' . ++$count;
	my $self = bless { base => $base, started => time }, $class;
	$script = "SELECT 'pid ' || pg_backend_pid();\n$script";
	append_to_file("$base.sql", $script);
	my @command = (
		$node->installed_command('psql'), '-XAtq',
		'-v', 'ON_ERROR_STOP=' . ($option{stop_on_error} // 1),
		'-d', $node->connstr($option{dbname} // 'postgres'),
		'-f', "$base.sql");
	my $pid = fork;
	die "cannot fork: $!" unless defined $pid;
	if ($pid == 0)
	{
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$base.out";
		open STDERR, '>', "$base.err";
		$ENV{PGOPTIONS} = $option{options} if $option{options};
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	$running{$pid} = 1;
	return $self;
}

sub out { return -e "$_[0]{base}.out" ? slurp_file("$_[0]{base}.out") : '' }
sub err { return -e "$_[0]{base}.err" ? slurp_file("$_[0]{base}.err") : '' }

# Waits until the output matches; false if psql ended or time ran out before.
sub wait_for
{
	my ($self, $pattern, $timeout) = @_;
	my $end = time + ($timeout // 60);
	for (;;)
	{
		return 1 if $self->out =~ $pattern;
		return $self->out =~ $pattern if $self->ended || time > $end;
		usleep(2000);
	}
}

# The process id of the backend, as soon as it is known; it begins the script's
# first statement then. Undefined if the client could not connect.
sub backend
{
	my ($self) = @_;
	return unless $self->wait_for(qr/^pid \d+$/m);
	my ($pid) = $self->out =~ /^pid (\d+)$/m;
	return $pid;
}

sub ended
{
	my ($self) = @_;
	return 1 if defined $self->{status};
	return 0 if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
	$self->{status} = $?;
	$self->{seconds} = time - $self->{started};
	delete $running{ $self->{pid} };
	return 1;
}

# Waits for psql's end; returns its exit status (0: the whole script succeeded).
sub finish
{
	my ($self, $timeout) = @_;
	my $end = time + ($timeout // 120);
	until ($self->ended)
	{
		if (time > $end)
		{
			kill 'KILL', $self->{pid};
			waitpid($self->{pid}, 0);
			delete $running{ $self->{pid} };
			die "a client did not end in time; its output:\n" . $self->out . $self->err;
		}
		usleep(2000);
	}
	return $self->{status} >> 8;
}

# What the script said with "\echo ack ...", in order.
sub acknowledged { return $_[0]->out =~ /^ack (.*)$/mg }

# The lines of output but acknowledgements and the process id.
sub lines { return grep { !/^(ack |pid )/ } split /\n/, $_[0]->out }

END
{
	my $status = $?;
	for my $pid (keys %running) { kill 'KILL', $pid; waitpid $pid, 0; }
	$? = $status;
}

1;
