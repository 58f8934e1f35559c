# What tests over many vectors share: making and loading them, searching for a
# whole file of queries at once, and finding an index's file.
package VectorTest;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(tool run_tool new_dir real_set generate load_vectors load_queries
  search_to_file index_file key_values check_clean new_table);

# The path of a program that CMake built.
sub tool
{
	my ($name) = @_;
	my $path = ($ENV{HNSWPG_TOOLS} // '') . "/$name";
	BAIL_OUT("the program $name is not built: HNSWPG_TOOLS must name its directory")
	  unless -x $path;
	return $path;
}

# Runs a program to its end and returns what it printed. Its failure ends the test.
sub run_tool
{
	my ($name, @args) = @_;
	my $path = tool($name);
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run([ $path, @args ], '>', \$out, '2>', \$err);
	die "$name @args: $err$out" unless $ok;
	return $out;
}

sub new_dir { return PostgreSQL::Test::Utils::tempdir(); }

# The directory of a set of real vectors, or undef where there is none.
sub real_set
{
	my ($name) = @_;
	return undef unless $ENV{HNSWPG_DATA};
	my $dir = "$ENV{HNSWPG_DATA}/$name";
	return -r "$dir/base.fvecs" ? $dir : undef;
}

# Clustered vectors and queries; returns a directory like those of real sets.
sub generate
{
	my ($n, $dim, $queries, $seed) = @_;
	my $dir = new_dir();
	run_tool('vectors', 'generate', $n, $dim, $seed, 0, "$dir/base.fvecs");
	run_tool('vectors', 'generate', $queries, $dim, $seed, 1, "$dir/query.fvecs");
	return $dir;
}

# Copies the vectors of a file, at most $count, into the table $table (id int, v
# vector), which exists. Ids from $first_id.
sub load_vectors
{
	my ($node, $table, $file, $count, $first_id) = @_;
	my $copy = new_dir() . '/copy';
	run_tool('vectors', 'copy', $file, $copy, $count // 2**31, $first_id // 0);
	$node->safe_psql('postgres', "COPY $table FROM '$copy' (FORMAT binary)");
	unlink $copy;
	return;
}

# Makes the table $table (id, v) of queries. Their storage keeps them in the row:
# a toasted one would be fetched again for every search.
sub load_queries
{
	my ($node, $table, $file, $count) = @_;
	$node->safe_psql('postgres',
		"CREATE TABLE $table (id int, v vector); ALTER TABLE $table ALTER v SET STORAGE plain");
	load_vectors($node, $table, $file, $count);
	return;
}

# Searches $table for every query of $queries and returns the path of a file with a
# line "<query> <column>" for each row found. Dies unless the plan uses an index.
# Arguments: node, table, queries, operator, column, limit, settings (a string of SQL).
sub search_to_file
{
	my ($node, %arg) = @_;
	my $out = new_dir() . '/found';
	my $select = "SELECT q.id, x.$arg{column} FROM $arg{queries} q, LATERAL "
	  . "(SELECT $arg{column} FROM $arg{table} t ORDER BY t.v $arg{operator} q.v LIMIT $arg{limit}) x";
	my $set = "SET enable_seqscan = off; SET enable_sort = off; $arg{settings};";
	my $plan = $node->safe_psql('postgres', "$set EXPLAIN (COSTS off) $select");
	die "no index scan:\n$plan" unless $plan =~ /Index Scan using/;
	$node->safe_psql('postgres', "$set COPY ($select) TO '$out' (DELIMITER ' ')");
	return $out;
}

# The path of a relation's main fork, with all of it on disk.
sub index_file
{
	my ($node, $index) = @_;
	$node->safe_psql('postgres', 'CHECKPOINT');
	return $node->data_dir . '/'
	  . $node->safe_psql('postgres', "SELECT pg_relation_filepath('$index')");
}

# "a=1 b=2" as a hash.
sub key_values
{
	my ($line) = @_;
	return $line =~ /(\w+)=(\S+)/g;
}

# Asserts that a table's index is sound.
sub check_clean
{
	my ($node, $what, $table) = @_;
	is($node->safe_psql('postgres', "SELECT * FROM hnsw_check('${table}_hnsw')"), '',
		"$what: hnsw_check is clean");
	return;
}

# Makes a table of the first $count vectors of a set, and one of its queries.
sub new_table
{
	my ($node, $table, $dir, $count, $dim) = @_;
	$node->safe_psql('postgres', <<"SQL");
SET client_min_messages = warning;
DROP TABLE IF EXISTS $table, ${table}_q;
CREATE TABLE $table (id int, v vector($dim));
SQL
	load_vectors($node, $table, "$dir/base.fvecs", $count);
	load_queries($node, "${table}_q", "$dir/query.fvecs");
	return;
}

1;
