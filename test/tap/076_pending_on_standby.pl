# Rows whose elements are pending are found exactly on a standby, while replay restores their
# pages from full-page images into buffers that it has just taken: shared_buffers of the standby
# hold a fraction of those pages, and the primary writes to each of them after each checkpoint.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use HnswClient;
use HnswFault;

seed_random();
my $seconds = slow_tests() ? 120 : 12;
my $primary = fault_node('primary', streaming => 1, conf => <<'CONF');
hnsw.sync_interval = 0
hnsw.pending_limit = 1000000
full_page_writes = on
CONF
# Far from the origin, so that a code of zeros is farther away than any row.
my ($dim, $rows) = (32, 4000);
$primary->safe_psql('postgres', <<"SQL");
CREATE TABLE far (id int, v vector($dim));
CREATE INDEX far_v_idx ON far USING hnsw (v vector_l2_ops) WITH (m = 8);
CREATE FUNCTION far_vec(id int) RETURNS vector LANGUAGE sql IMMUTABLE
RETURN (SELECT array_agg(10 + (hashint8extended(id, d) & 65535) / 32768.0)::real[]::vector FROM generate_series(1, $dim) d);
INSERT INTO far SELECT g, far_vec(g) FROM generate_series(1, $rows) g;
SQL
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "shared_buffers = 256kB\nmax_standby_streaming_delay = 60s\nhot_standby_feedback = on");
$standby->start;
is($standby->safe_psql('postgres', "SELECT pending FROM hnsw_status('far_v_idx')"), $rows, 'all rows are pending');

# Each statement compares, in one snapshot, the nearest rows by the index with those of a sort.
my $compare = 'SET hnsw.ef_search = 400; SET enable_sort = on;' . join '', map {
	my $q = $rows + $_;
	<<"SQL"
SELECT 'differs at $q' WHERE
  (SELECT array_agg(d) FROM (SELECT v <-> far_vec($q) AS d FROM far ORDER BY v <-> far_vec($q) LIMIT 300) x)
  IS DISTINCT FROM
  (SELECT array_agg(d) FROM (SELECT d FROM (SELECT v <-> far_vec($q) AS d FROM far OFFSET 0) y ORDER BY d LIMIT 300) z);
SQL
} 1 .. 20;
my $plan = $standby->safe_psql('postgres',
	'SET enable_seqscan = off; EXPLAIN SELECT v <-> far_vec(1) FROM far ORDER BY v <-> far_vec(1) LIMIT 300');
like($plan, qr/Index Scan using far_v_idx/, 'the index is used');

# Deletes one row of every page at a time, whose TIDs VACUUM takes out of the pending elements.
my $end = time + $seconds;
my ($rounds, $searches) = (0, 0);
my @readers;
my $found = '';
while (time < $end)
{
	@readers = map { HnswClient->start($standby, "SET enable_seqscan = off; $compare", stop_on_error => 0) } 1 .. 2;
	while (grep { !$_->ended } @readers)
	{
		my $part = $rounds++ % 16;
		$primary->safe_psql('postgres', "CHECKPOINT; DELETE FROM far WHERE id % 32 = 2 * $part + 1; VACUUM (INDEX_CLEANUP ON) far;"
			  . "CHECKPOINT; UPDATE far SET v = v WHERE id % 400 = $part; VACUUM (INDEX_CLEANUP ON) far");
	}
	for my $reader (@readers)
	{
		$reader->finish;
		$searches += 20;
		$found .= join '', grep { /differs|ERROR/ } map { "$_\n" } split /\n/, $reader->out . "\n" . $reader->err;
	}
}
is($found, '', "no search misses a row ($searches searches beside $rounds rounds of writes)");
cmp_ok($rounds, '>', 3, 'the primary has written meanwhile');
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT * FROM hnsw_check('far_v_idx')"), '', 'the index is sound');
$standby->stop;
$primary->stop;
done_testing();
