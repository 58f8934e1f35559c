# kill -9 of those who link and clean up, the worker and a session's hnsw_sync and
# hnsw_cleanup, or of the whole server meanwhile, while four clients insert, update
# and delete. Then every committed row must be found through the index, once.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFault;
use HnswKill;

seed_random();
my $points = slow_tests() ? 100 : 2;
my $node = fault_node('linking',
	conf => "wal_consistency_checking = 'generic'\nhnsw.sync_interval = 0\nhnsw.pending_limit = 200\nhnsw.cleanup_threshold = 0.05");
$table{large} = { dim => 16, index => '(v vector_l2_ops)', rows => 500 };
create_table($node, $_, $table{$_}{rows}) for sort keys %table;

sub either { return rand() < 0.5 ? kill_backend(@_) : kill_postmaster(@_) }

kill_points($node, $points, \&either, qw(link bulk clean));

# Now with a worker.
$node->append_conf('postgresql.conf', 'hnsw.sync_interval = 1');
$node->restart;
kill_points($node, $points, \&either, 'work');

$node->append_conf('postgresql.conf', 'hnsw.sync_interval = 0');
$node->restart;
for my $name (sort keys %table)
{
	$node->safe_psql('postgres', "DELETE FROM $name WHERE id % 2 = 0; VACUUM (INDEX_CLEANUP ON) $name");
	$node->safe_psql('postgres', "SELECT hnsw_sync('${name}_v_idx'), hnsw_cleanup('${name}_v_idx')");
	is_sound($node, $name, "$name: all is well in the end");
	is($node->safe_psql('postgres', "SELECT pending, dead FROM hnsw_status('${name}_v_idx')"), '0|0', "$name: nothing is left to do");
}
unlike(slurp_file($node->logfile), qr/PANIC|inconsistent page|signal 11/, 'no process failed by itself');
$node->stop;
done_testing();
