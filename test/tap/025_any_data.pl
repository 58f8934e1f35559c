# The default index answers as well as one with quantization = none, whatever the data
# are like, for each metric, and however the rows came into the index.
#
# The shapes of data are those of the program `shapes`. For each cell, that is shape,
# metric and way, two indexes hold the same rows, and answer the same queries:
#
#   recall@10 at ef_search 40   the default is at most 0.005 below `none`
#   rows of a large LIMIT       the default gives at most 1 % of them less than `none`
#   order                       rows come by distance
#
# One thread builds each index, so that `built` comes out the same each time; but two
# graphs differ by chance: levels, and where rows are linked by insertions. The differences
# of the queries one by one say how much, where queries have different answers. A cell may
# lie three of their standard errors beyond what is allowed, since there are hundreds of
# cells. One that lies farther, but not grossly so, is measured on four more sets of the
# shape, with other seeds. Then the mean of the five is judged, and their spread counts as
# error too: inner products may give all queries the same ten rows. All cells of a shape
# together may lie two standard errors beyond what is allowed, which is far less.
#
# Without PG_TEST_EXTRA=slow sets are small, and a shape meets four of the twelve metrics and ways.
# HNSWPG_SHAPES="city globe" takes these shapes only. The log has a line for each cell:
# what the default has and what `none` has.
use strict;
use warnings;
use List::Util qw(any max sum);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VectorTest;

my $slow    = ($ENV{PG_TEST_EXTRA} // '') =~ /\bslow\b/;
my $queries = $slow ? 400 : 150;
my $seed    = $ENV{HNSWPG_SEED} // 9;
note("seed $seed (HNSWPG_SEED)");

# What the default may have less than `none`: of recall, and of the rows of a LIMIT, as a
# share. A hundred times as much is gross.
my ($less_recall, $less_rows, $gross) = (0.005, 0.01, 100);

my %operator = (l2 => '<->', cos => '<=>', ip => '<#>');
my %opclass = (l2 => 'vector_l2_ops', cos => 'vector_cosine_ops', ip => 'vector_ip_ops');
my %with = (default => '', none => 'WITH (quantization = none)');

my $node = PostgreSQL::Test::Cluster->new('any_data');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
shared_buffers = 256MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
fsync = off
autovacuum = off
jit = off
max_parallel_maintenance_workers = 0
hnsw.sync_interval = 0
CONF
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION hnswpg');

# ---- the ways of the rows into the index ----

# SQL that makes the table t of the rows of `base`, with an index by $create. $half is
# half their number.
my %way = (
	built => sub {
		my ($create) = @_;
		return "CREATE TABLE t AS TABLE base; $create;";
	},
	# Linked by the commands that insert, a few at a time.
	inserted => sub {
		my ($create) = @_;
		return <<"SQL";
CREATE TABLE t (LIKE base);
$create;
SET hnsw.pending_limit = 100;
INSERT INTO t SELECT * FROM base ORDER BY id;
SELECT 'linked ' || hnsw_sync('t_hnsw');
SQL
	},
	# Built on rows around the origin; then come those of the base, half of them in the
	# place of the former.
	shifted => sub {
		my ($create, $half) = @_;
		return <<"SQL";
CREATE TABLE t AS SELECT * FROM centred WHERE id < $half;
$create;
SET hnsw.pending_limit = 100;
INSERT INTO t SELECT * FROM base WHERE id >= $half ORDER BY id;
UPDATE t SET v = base.v FROM base WHERE t.id = base.id AND t.id < $half;
SELECT 'linked ' || hnsw_sync('t_hnsw');
SQL
	},
	pending => sub {
		my ($create, $half) = @_;
		return <<"SQL";
CREATE TABLE t AS SELECT * FROM base WHERE id < $half;
$create;
SET hnsw.pending_limit = 1000000;
INSERT INTO t SELECT * FROM base WHERE id >= $half ORDER BY id;
SQL
	});

# ---- measuring ----

# The rows of t nearest to q.v, in their order, with their distances.
sub search_one
{
	my ($metric, $limit) = @_;
	my $op = $operator{$metric};
	return "SELECT id, v $op q.v AS d FROM t ORDER BY v $op q.v LIMIT $limit";
}

# A line for each of twenty queries: how many rows it gives, and how many of them are nearer
# than the one before, by more than rounding explains.
sub counts
{
	my ($metric, $limit) = @_;
	my $room = $metric eq 'l2' ? '1e-5 * last' : '1e-5 * max(abs(d)) OVER (PARTITION BY q)';
	return "SELECT 'limit $limit ' || count(*) || ' ' || "
	  . "count(*) FILTER (WHERE room < 'Infinity' AND d < last - room) FROM "
	  . "(SELECT q, d, last, $room AS room FROM (SELECT q.id AS q, x.* FROM base_q q, "
	  . "LATERAL (SELECT d, lag(d) OVER () AS last FROM ("
	  . search_one($metric, $limit) . ") r) x WHERE q.id < 20) s) s GROUP BY q ORDER BY q";
}

# Makes t and its index of the kind, searches it, and returns the file of what was found,
# and for each limit the counts of the queries.
sub measure
{
	my ($kind, $metric, $way, $n, $limits) = @_;
	my $found = new_dir() . '/found';
	my $create = "CREATE INDEX t_hnsw ON t USING hnsw (v $opclass{$metric}) $with{$kind}";
	my $search = 'SELECT q.id AS q, x.id FROM base_q q, LATERAL (' . search_one($metric, 10) . ') x';
	my $out = $node->safe_psql('postgres', join "\n",
		'SET client_min_messages = warning;',
		'DROP TABLE IF EXISTS t;',
		$way{$way}->($create, int($n / 2)),
		'SET enable_seqscan = off; SET enable_sort = off;',
		"EXPLAIN (COSTS off) $search;",
		"COPY ($search) TO '$found' (DELIMITER ' ');",
		map { counts($metric, $_) . ';' } @$limits);
	die "no index scan:\n$out" unless $out =~ /Index Scan using t_hnsw/;
	my %result = (found => $found, rows => {}, disordered => 0);
	while ($out =~ /^limit (\d+) (\d+) (\d+)$/mg)
	{
		push @{ $result{rows}{$1} }, $2;
		$result{disordered} += $3;
	}
	return \%result;
}

# Mean and standard error of numbers.
sub statistics
{
	my $mean = sum(@_) / @_;
	my $variance = sum(map { ($_ - $mean)**2 } @_) / (@_ - 1);
	return ($mean, sqrt($variance / @_));
}

# The two indexes of one cell against each other: for each quantity what the default has
# less than `none`, the standard error of that, what is allowed, and both figures.
sub compare
{
	my ($dir, $metric, $way, $n, @limits) = @_;
	my ($ours, $none) = map { measure($_, $metric, $way, $n, \@limits) } 'default', 'none';
	my %recall = key_values(run_tool('paired_recall', "$dir/base.fvecs", "$dir/query.fvecs",
		$metric, 10, $ours->{found}, $none->{found}));
	my %result = (recall => [ @recall{ 'difference', 'error' }, $less_recall, @recall{ 'a', 'b' } ]);
	for my $limit (@limits)
	{
		my ($a, $b) = map { $_->{rows}{$limit} } $ours, $none;
		$result{"rows of $limit"} = [
			statistics(map { $b->[$_] - $a->[$_] } 0 .. $#$a), $less_rows * $limit,
			map { (statistics(@$_))[0] } $a, $b ];
	}
	return { quantities => \%result, disordered => $ours->{disordered} };
}

# Loads a set of the shape and measures cells on it; adds what comes out to $results,
# which has a list for each cell.
sub measure_set
{
	my ($shape, $n, $dim, $set_seed, $cells, $results) = @_;
	my $dir = new_dir();
	run_tool('shapes', $shape, $dir, $n, $dim, $queries, $set_seed);
	new_table($node, 'base', $dir, undef, $dim);
	$node->safe_psql('postgres', 'DROP TABLE IF EXISTS centred; CREATE TABLE centred (LIKE base)');
	load_vectors($node, 'centred', "$dir/centred.fvecs");
	for my $cell (@$cells)
	{
		my ($metric, $way) = split / /, $cell;
		my @limits = $slow || $metric eq 'l2' ? (10, int($n / 3), $n) : (10);
		push @{ $results->{$cell} }, compare($dir, $metric, $way, $n, @limits);
	}
	return;
}

# Mean and standard error of several [ difference, standard error, ... ]: the error by
# theirs or by how far they lie apart, whichever is larger.
sub together
{
	my @differences = map { $_->[0] } @_;
	my $error = sqrt(sum(map { $_->[1]**2 } @_)) / @_;
	return ($differences[0], $error) if @_ == 1;
	my ($mean, $spread) = statistics(@differences);
	return ($mean, max($error, $spread));
}

# Whether a cell measured once ought to be measured again.
sub is_doubtful
{
	my ($result) = @_;
	my @quantities = values %{ $result->{quantities} };
	return 0 if any { $_->[0] > $gross * $_->[2] } @quantities;
	return any { $_->[0] > $_->[2] + 3 * $_->[1] } @quantities;
}

# Judges a cell by all that was measured of it.
sub judge
{
	my ($shape, $cell, @results) = @_;
	my $line = sprintf '%-12s %-12s', $shape, $cell;
	for my $name (sort keys %{ $results[0]{quantities} })
	{
		my @measured = map { $_->{quantities}{$name} } @results;
		my ($less, $error) = together(@measured);
		my $allowed = $measured[0][2];
		my ($ours, $none) = map { my $i = $_; sum(map { $_->[$i] } @measured) / @measured } 3, 4;
		my $format = $name eq 'recall' ? '%.4f' : '%.0f';
		$line .= sprintf "  $name $format $format (error $format)", $ours, $none, $error;
		cmp_ok($less, '<=', $allowed + 3 * $error,
			sprintf "%s, %s: $name $format, none $format, error $format, %d sets", $shape, $cell, $ours, $none,
			$error, scalar @results);
	}
	is(sum(map { $_->{disordered} } @results), 0, "$shape, $cell: rows come by distance");
	note($line);
	return;
}

sub check_shape
{
	my ($shape, $n, $dim, @cells) = @_;
	my %results;
	measure_set($shape, $n, $dim, $seed, \@cells, \%results);
	check_clean($node, $shape, 't');
	my @doubtful = grep { is_doubtful($results{$_}[0]) } @cells;
	if (@doubtful)
	{
		measure_set($shape, $n, $dim, $seed + $_, \@doubtful, \%results) for 1 .. 4;
	}
	judge($shape, $_, @{ $results{$_} }) for @cells;
	my ($less, $error) = together(map {
			[ together(map { $_->{quantities}{recall} } @{ $results{$_} }) ]
		} @cells);
	cmp_ok($less, '<=', $less_recall + 2 * $error,
		sprintf '%s, all cells: recall %.4f below none, error %.4f', $shape, $less, $error);
	return;
}

# ---- the shapes ----

my @all_cells = map { my $metric = $_; map { "$metric $_" } qw(built inserted shifted pending) } qw(l2 cos ip);
my %wanted = map { $_ => 1 } split ' ', $ENV{HNSWPG_SHAPES} // '';
my $turn = 0;
for (split /\n/, run_tool('shapes', 'list'))
{
	my ($shape, $n, $dim) = split;
	my @cells = @all_cells;
	if (!$slow)
	{
		# L2 as it is built; and in turn one of its other ways, of the other metrics, and of the
		# rest. So each cell meets several shapes.
		my @ways = grep { /l2/ && !/built/ } @all_cells;
		my @metrics = grep { /built/ && !/l2/ } @all_cells;
		my @others = grep { !/l2|built/ } @all_cells;
		@cells = ('l2 built', map { $_->[ $turn % @$_ ] } \@ways, \@metrics, \@others);
		$turn++;
		$n = 1200 if $n > 1200;
	}
	check_shape($shape, $n, $dim, @cells) if !%wanted || $wanted{$shape};
}

$node->stop;
done_testing();
