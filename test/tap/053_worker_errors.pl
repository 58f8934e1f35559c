# An error in one index: the background worker says so once, goes on with the
# others, tries again now and then, and all is well when the cause is gone.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFault;
use HnswFile;
use HnswWorker;

my $node = fault_node('errors', conf => "hnsw.sync_interval = 1\nhnsw.pending_limit = 1000000\nmax_worker_processes = 8",
	initdb => []);
create_source($node);
quick_table($node, $_) for qw(bad good);
$node->safe_psql('postgres', "INSERT INTO $_ SELECT * FROM source LIMIT 2000") for qw(bad good);
ok(drained($node, "${_}_v_idx"), "$_: linked") for qw(bad good);

# The page where every walk begins is gone. It is one that an insertion does not
# touch: REINDEX makes the entry point the first element.
$node->safe_psql('postgres', 'REINDEX INDEX bad_v_idx');
my $path = $node->data_dir . '/' . scalar_query($node, q{SELECT pg_relation_filepath('bad_v_idx')});
$node->stop;
my $file = HnswFile->new($path);
$file->zero_page($file->slot_block($file->meta('entry')));
$file->save;
$node->start;

my $end = log_end($node);
$node->safe_psql('postgres', 'INSERT INTO bad SELECT * FROM source OFFSET 2000 LIMIT 20');
ok(wait_until(sub { log_since($node, $end) =~ /ERROR:.*bad_v_idx/ }, 20), 'an error is logged');
like(log_since($node, $end), qr/CONTEXT: .*public\.bad_v_idx/, 'with the index');
my $pid = worker_pid($node);
for my $i (1 .. 5)
{
	$node->safe_psql('postgres', "INSERT INTO good SELECT * FROM source OFFSET 2000 + $i LIMIT 1");
	$node->safe_psql('postgres', "INSERT INTO bad SELECT * FROM source OFFSET 2030 + $i LIMIT 1");
	ok(drained($node, 'good_v_idx'), 'another index is linked');
	sleep 1;
}
is(worker_pid($node), $pid, 'by the same worker');
is(scalar(() = log_since($node, $end) =~ /ERROR:/g), 1, 'the error is logged once');
is(pending($node, 'bad_v_idx'), 25, 'nothing is lost');

# ---- its cause is removed ----

$node->safe_psql('postgres', 'REINDEX INDEX bad_v_idx');
$node->safe_psql('postgres', 'INSERT INTO bad SELECT * FROM source OFFSET 2040 LIMIT 10');
ok(drained($node, 'bad_v_idx'), 'after REINDEX the index is linked again');
ok(wait_until(sub { !workers($node) }, 20), 'and the worker comes to rest');
is(scalar_query($node, "SELECT count(*) FROM hnsw_check('bad_v_idx', true)"), 0, 'the index is sound');
is(scalar(() = log_since($node, $end) =~ /ERROR:/g), 1, 'no further error');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/, 'no process crashed');
$node->stop;
done_testing();
