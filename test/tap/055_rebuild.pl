# hnsw_sync(index, rebuild => true) under faults: killed at random moments; its
# commit lost or kept by a crash where new files go without WAL (wal_level =
# minimal); beside writers, searches and the background worker; replayed by a
# standby. And what a standby says to hnsw_sync, hnsw_cleanup and hnsw_status.
use strict;
use warnings;
use Time::HiRes qw(time usleep);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswClient;
use HnswFault;
use HnswKill;

seed_random();

sub rebuild { return "SELECT hnsw_sync('$_[0]_v_idx', true)" }

sub file_of { return scalar_query($_[0], "SELECT pg_relation_filenode('$_[1]_v_idx')") }

# What a rebuild that came to nothing may leave behind: nothing.
sub leftovers
{
	my ($node) = @_;
	return scalar_query($node, "SELECT coalesce(string_agg(relname, ' '), '') FROM pg_class WHERE relname LIKE '%rebuild%'");
}

# ---- killed ----

my $node = fault_node('minimal', conf => "wal_level = minimal\nmax_wal_senders = 0");
$table{many} = { dim => 32, index => '(v vector_l2_ops)', rows => 2500 };
create_table($node, $_, $table{$_}{rows}) for qw(many codes wide);

my $begin = time;
$node->safe_psql('postgres', rebuild('many'));
my $seconds = time - $begin;
my ($blows, @wrong) = (0);
for my $attempt (1 .. (slow_tests() ? 60 : 10))
{
	my $client = HnswClient->start($node, rebuild('many') . ";\n\\echo ack done\n");
	$client->backend;
	my $blow = $attempt % 2 ? kill_backend($node, $client) : kill_postmaster($node, $client);
	usleep(1e6 * rand($seconds));
	my $fell = $blow->();
	$client->finish;
	my $hit = $fell && !$client->acknowledged;
	$blows++ if $hit;
	# The first rebuild may have been a slow one.
	$seconds *= $hit ? 1.1 : 0.8;
	push @wrong, map { "attempt $attempt: $_" } grep { $_ } problems($node, 'many'), leftovers($node);
}
is(join("\n", @wrong), '', "killed $blows times: the index is whole, and nothing is left over");
cmp_ok($blows, '>', 0, 'some blows fell in its midst');

# ---- crash after the commit ----

for my $name (qw(codes wide))
{
	my $new = vector_sql($name, 'g');
	my $file = file_of($node, $name);
	$node->safe_psql('postgres',
		"BEGIN; INSERT INTO $name SELECT g, $new FROM generate_series(10001, 10020) g;"
		  . rebuild($name) . ';'
		  . "INSERT INTO $name SELECT g, $new FROM generate_series(10021, 10040) g; COMMIT");
	$node->stop('immediate');
	$node->start;
	isnt(file_of($node, $name), $file, "$name: the new file is there after a crash");
	is_sound($node, $name);
	$node->safe_psql('postgres',
		"BEGIN; SAVEPOINT s; " . rebuild($name) . "; ROLLBACK TO s; TRUNCATE $name;"
		  . "INSERT INTO $name SELECT g, $new FROM generate_series(1, 30) g; "
		  . rebuild($name) . '; COMMIT');
	$node->stop('immediate');
	$node->start;
	is_sound($node, $name, "$name: truncated and rebuilt in one transaction, then crashed");
}
$node->stop;

# ---- beside others, and on a standby ----

my $primary = fault_node('primary',
	streaming => 1,
	conf => "wal_consistency_checking = 'generic'\nhnsw.sync_interval = 1");
create_table($primary, $_, $table{$_}{rows}) for qw(codes cosine);
create_table($primary, 'wide', 50, kind => 'UNLOGGED');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = 60s');
$standby->start;

my @writers = map {
	my $from = 20000 + $_ * 1000;
	HnswClient->start($primary, join '',
		map { "INSERT INTO codes SELECT $_, " . vector_sql('codes', $_) . ";\nDELETE FROM codes WHERE id = $_ - 7 AND id > 20000;\n" } $from .. $from + 300);
} 1 .. 2;
my $search = "SET enable_seqscan = off;\n"
  . join '', map { "SELECT count(*) FROM (SELECT id FROM codes ORDER BY v <-> vec($_, 16) LIMIT 20) _;\n" } 1 .. 100;
my ($rebuilds, @errors) = (0);
do
{
	my @readers = map { HnswClient->start($_, $search) } $primary, $standby;
	my ($status, undef, $error) = $primary->psql('postgres', rebuild('codes'));
	push @errors, $error if $error;
	$rebuilds++;
	for my $reader (@readers)
	{
		$reader->finish;
		push @errors, $reader->err if $reader->err;
		push @errors, 'too few rows' if grep { $_ ne '20' } $reader->lines;
	}
} while (grep { !$_->ended } @writers);
is(join('', map { $_->err } @writers), '', 'writers beside rebuilds see no error');
is(join("\n", @errors), '', "$rebuilds rebuilds and the searches beside them succeed");
$primary->safe_psql('postgres', rebuild('cosine'));
is_sound($primary, $_) for qw(codes cosine wide);
is(leftovers($primary), '', 'nothing is left over');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
is_sound($standby, $_, "$_: sound on the standby") for qw(codes cosine);

# ---- what a standby says ----

$primary->safe_psql('postgres', "SELECT hnsw_sync('codes_v_idx'), hnsw_cleanup('codes_v_idx')");
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
# Not the file's length: pages that it has ahead are not logged before they are written.
my $status = "SELECT index, elements, pending, dead, free, duplicates, levels, entry_point, last_sync FROM hnsw_indexes";
is(scalar_query($standby, "$status WHERE table_name <> 'wide' ORDER BY 1"),
	scalar_query($primary, "$status WHERE table_name <> 'wide' ORDER BY 1"), 'a standby knows the status');
is(scalar_query($standby, "SELECT string_agg(index_name, ' ' ORDER BY index_name) FROM hnsw_indexes"),
	'codes_v_idx cosine_v_idx', 'but of no unlogged index');
for my $case (
	[ "hnsw_status('wide_v_idx')", qr/cannot read unlogged index "wide_v_idx" during recovery/ ],
	[ "hnsw_sync('codes_v_idx')", qr/cannot execute hnsw_sync\(\) during recovery/ ],
	[ "hnsw_sync('codes_v_idx', true)", qr/cannot execute hnsw_sync\(\) during recovery/ ],
	[ "hnsw_cleanup('codes_v_idx')", qr/cannot execute hnsw_cleanup\(\) during recovery/ ])
{
	my (undef, undef, $error) = $standby->psql('postgres', "SELECT $case->[0]");
	like($error, $case->[1], "$case->[0] on a standby");
}
$standby->stop;
$primary->stop;
done_testing();
