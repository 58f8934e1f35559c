# Recall, speed of search and build, and size, against hnswlib's own float index in
# a process of its own: all figures are ratios within one run of index_bench, which
# takes turns between the two. They are printed; bench/run measures them with more
# care. Asserted is:
#
#   recall@10 at ef 40, 80, 160   not more than 0.005 below hnswlib's
#   queries a second              at least 0.6 times hnswlib's at the same recall
#   build with two threads        at most 1.3 times hnswlib's time
#   size                          at most 1.5 times the float vectors at 768-d
#
# CPU times are compared, since tests run beside others; they still suffer from
# what others do to caches, so speed is asserted with $slack to spare.
# runs alone
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VectorTest;

my $slack = 0.8;

my $node = PostgreSQL::Test::Cluster->new('against_hnswlib');
$node->init;
$node->append_conf('postgresql.conf',
	"shared_buffers = 512MB\nmax_wal_size = 8GB\nautovacuum = off\nfsync = off");
$node->start;

sub measure
{
	my ($what, @options) = @_;
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres');
	my @lines = split /\n/, run_tool('index_bench', '--efs', '10,20,40,80,160', @options);
	note("$what: $_") for @lines;
	my %result = (ef => {}, speed => []);
	for my $line (@lines)
	{
		my ($kind) = $line =~ /^(\w+) / or next;
		my %value = key_values($line);
		if    ($kind eq 'ef')    { $result{ef}{ $value{ef} } = \%value; }
		elsif ($kind eq 'speed') { push @{ $result{speed} }, \%value; }
		else                     { $result{$kind} = \%value; }
	}
	return \%result;
}

sub check_recall
{
	my ($what, $result, $below) = @_;
	for my $ef (40, 80, 160)
	{
		my ($ours, $theirs) = @{ $result->{ef}{$ef} }{ 'ours_recall', 'hnswlib_recall' };
		cmp_ok($ours, '>=', $theirs - $below,
			"$what, ef $ef: recall $ours, hnswlib $theirs, at most $below below");
	}
	return;
}

sub check_speed
{
	my ($what, $result, $wanted) = @_;
	my @ratios = map { $_->{ratio} } @{ $result->{speed} };
	cmp_ok(scalar @ratios, '>=', 1, "$what: the recall at which speed is compared is reached");
	for my $at (@{ $result->{speed} })
	{
		cmp_ok($at->{ratio}, '>=', $wanted * $slack,
			"$what: $at->{ratio} of hnswlib's queries a second at recall $at->{recall}, wanted $wanted");
	}
	return;
}

sub check_build
{
	my ($what, $result) = @_;
	cmp_ok($result->{build}{cpu_ratio}, '<=', 1.3 / $slack,
		"$what: $result->{build}{cpu_ratio} of hnswlib's build time, wanted 1.3");
	return;
}

my $slow = ($ENV{PG_TEST_EXTRA} // '') =~ /\bslow\b/;
for my $set ([ 'sift-imagenet-128', 'l2' ], [ 'word-books-100', 'cos' ], [ 'bge-base-768', 'cos' ])
{
	my ($name, $metric) = @$set;
  SKIP:
	{
		my $dir = real_set($name);
		skip "no $name in HNSWPG_DATA", 1 unless $dir;
		my $result = measure(
			$name,
			'--base'    => "$dir/base.fvecs",
			'--query'   => "$dir/query.fvecs",
			'--answers' => "$dir/gt10.$metric.ivecs",
			'--metric'  => $metric,
			$slow ? ('--rounds' => 5, '--builds' => 3) : ());
		check_recall($name, $result, 0.005);
		check_speed($name, $result, 0.6);
		check_build($name, $result);
		cmp_ok($result->{size}{ratio}, '<=', 1.5, "$name: size $result->{size}{ratio} of the floats")
		  if $name =~ /768/;
	}
}

if (!$ENV{HNSWPG_DATA} || $slow)
{
	# So few vectors lie in the CPU's cache and are found with few visits: what the
	# executor does for each search weighs more, and less is asked.
	for my $set ([ '40000,128,500', 'l2' ], [ '5000,768,300', 'cos' ])
	{
		my ($shape, $metric) = @$set;
		my $result = measure($shape, '--generate' => $shape, '--metric' => $metric);
		# Two graphs of a few thousand easy vectors differ by chance: levels and the
		# order of threads. 300 queries tell no more than this.
		check_recall("generated $shape", $result, 0.012);
		check_speed("generated $shape", $result, 0.4);
		check_build("generated $shape", $result);
		cmp_ok($result->{size}{ratio}, '<=', 1.5, "generated $shape: size $result->{size}{ratio} of the floats")
		  if $shape =~ /,768,/;
	}
}

$node->stop;
done_testing();
