# What the tests of the background worker share.
package HnswWorker;

use strict;
use warnings;
use Exporter 'import';
use Time::HiRes qw(time);
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFault;

our @EXPORT = qw(workers worker_pid worker_activity pending drained cleaned_up log_since log_end
  create_source slow_table quick_table backlog wait_for_linking seconds_of);

# Process ids of the workers: of one database, or of all.
sub workers
{
	my ($node, $database) = @_;
	my $where = defined $database ? "AND datname = '$database'" : '';
	return split /\n/, $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'hnswpg worker' $where");
}

sub worker_pid { return (workers(@_))[0]; }

# What the workers say they do.
sub worker_activity
{
	my ($node) = @_;
	return $node->safe_psql('postgres',
		"SELECT string_agg(state || ':' || query, ' ') FROM pg_stat_activity WHERE backend_type = 'hnswpg worker'");
}

sub pending
{
	my ($node, $index, $database) = @_;
	return $node->safe_psql($database // 'postgres', "SELECT pending FROM hnsw_status('$index')");
}

# Waits until nothing is pending.
sub drained
{
	my ($node, $index, $database) = @_;
	return wait_until(sub { pending($node, $index, $database) == 0 }, 60);
}

# Waits until no more is dead than the worker leaves. It need not be nothing: a cleanup that
# begins while VACUUM is still marking leaves what is marked after that, and the worker
# begins another only where that is more than hnsw.cleanup_threshold.
sub cleaned_up
{
	my ($node, $index) = @_;
	my $few = <<"SQL";
LOAD 'hnswpg';
SELECT dead <= current_setting('hnsw.cleanup_threshold')::float8 * (elements + dead) FROM hnsw_status('$index');
SQL
	return 1 if wait_until(sub { $node->safe_psql('postgres', $few) eq 't' });
	diag($node->safe_psql('postgres', "SELECT to_json(s) FROM hnsw_status('$index') s"), "\n", worker_activity($node));
	return 0;
}

sub log_end { my ($node) = @_; return -s $node->logfile; }
sub log_since { my ($node, $from) = @_; return substr(slurp_file($node->logfile), $from); }

# Vectors to insert: 6000 of 64 dimensions, in a table without an index.
sub create_source
{
	my ($node, $database) = @_;
	return $node->safe_psql($database // 'postgres', <<'SQL');
CREATE EXTENSION IF NOT EXISTS hnswpg;
CREATE TABLE source AS SELECT i AS id, (SELECT array_agg((hashint4extended(i, d) & 65535) / 32768.0 - 1)
  FROM generate_series(1, 64) d)::real[]::vector(64) AS v FROM generate_series(1, 6000) i;
SQL
}

# A table whose index takes long to link: of all that is in `source`, far more than
# any limit of time in these tests.
sub slow_table
{
	my ($node, $name, $database) = @_;
	return $node->safe_psql($database // 'postgres', <<"SQL");
CREATE TABLE $name (id bigint, v vector(64));
INSERT INTO $name SELECT * FROM source LIMIT 500;
CREATE INDEX ${name}_v_idx ON $name USING hnsw (v vector_l2_ops) WITH (m = 64, ef_construction = 1000);
SQL
}

sub quick_table
{
	my ($node, $name, $database) = @_;
	return $node->safe_psql($database // 'postgres', <<"SQL");
CREATE TABLE $name (id bigint, v vector(64));
CREATE INDEX ${name}_v_idx ON $name USING hnsw (v vector_l2_ops);
SQL
}

# Inserts what keeps the worker busy.
sub backlog
{
	my ($node, $name, $database) = @_;
	return $node->safe_psql($database // 'postgres', "INSERT INTO $name SELECT * FROM source");
}

sub wait_for_linking
{
	my ($node, $name) = @_;
	return wait_until(sub { worker_activity($node) =~ /active:linking \d+ elements of public\.${name}_v_idx/ }, 30);
}

# How long the code takes.
sub seconds_of
{
	my ($code) = @_;
	my $begin = time;
	$code->();
	return time - $begin;
}

1;
