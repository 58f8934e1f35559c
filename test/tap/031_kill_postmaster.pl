# kill -9 of the postmaster in the middle of building, inserting and vacuuming,
# most times together with all its processes. After the restart every row must be
# found, and work must go on. Without full-page images in the WAL: the machine
# itself stays up here, so no page is torn, and what replay meets is pages of any
# age, older and newer than the record.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFault;
use HnswKill;

seed_random();
my $node = fault_node('postmaster', conf => 'full_page_writes = off');
$table{many} = { dim => 32, index => '(v vector_l2_ops)', rows => 800 };
create_table($node, $_, $table{$_}{rows}) for sort keys %table;

kill_points($node, slow_tests() ? 200 : 14, \&kill_postmaster, qw(build insert vacuum));

for my $name (sort keys %table)
{
	$node->safe_psql('postgres', "DELETE FROM $name WHERE id % 2 = 0; VACUUM $name");
	is_sound($node, $name, "$name: all is well in the end");
}
$node->stop;
done_testing();
