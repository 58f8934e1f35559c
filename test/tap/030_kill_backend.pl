# kill -9 of a backend in the middle of building, inserting and vacuuming. The
# server restarts itself, comparing each page that replay changes with what it was
# (wal_consistency_checking); then every row must be found, and work must go on.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFault;
use HnswKill;

seed_random();
my $node = fault_node('backend', conf => "wal_consistency_checking = 'generic'");
$table{many} = { dim => 32, index => '(v vector_l2_ops)', rows => 800 };
create_table($node, $_, $table{$_}{rows}) for sort keys %table;

kill_points($node, slow_tests() ? 200 : 14, \&kill_backend, qw(build insert vacuum));

for my $name (sort keys %table)
{
	$node->safe_psql('postgres', "DELETE FROM $name WHERE id % 2 = 0; VACUUM $name");
	is_sound($node, $name, "$name: all is well in the end");
}
$node->stop;
done_testing();
