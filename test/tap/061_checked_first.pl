# A page that is damaged is reported each time that it is touched. What met it first must
# not leave a note of where it is that others take for a page in order.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFile;

my $node = PostgreSQL::Test::Cluster->new('checked_first');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nhnsw.sync_interval = 0\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION hnswpg;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	  $$SELECT array_agg((sin(i * 12.9898 + j * 78.233) * 10)::real)::vector FROM generate_series(1, 8) j$$;
	CREATE TABLE t (id int, v vector(8)) WITH (autovacuum_enabled = off);
	INSERT INTO t SELECT i, vec(i) FROM generate_series(1, 300) i;
	CREATE INDEX t_idx ON t USING hnsw (v vector_l2_ops) WITH (quantization = int8, m = 4, ef_construction = 20);
});
my $path = $node->data_dir . '/' . $node->safe_psql('postgres', q{SELECT pg_relation_filepath('t_idx')});

# The next row's slot and vector lie on pages that have those of others.
$node->stop;
my $file = HnswFile->new($path);
my $next = $file->meta('next_element');
my $sound = $file->{bytes};
for my $of (qw(slot_block vector_block))
{
	is($file->$of($next), $file->$of($next - 1), "$of: the last page has room");
}

# Two statements in one session, so that the second knows what the first has met. Returns
# what each said of an error, with its SQLSTATE.
sub in_one_session
{
	my (@statements) = @_;
	$node->start;
	my ($out, $err) = ('', '');
	$node->psql('postgres', join(";\n", "SET enable_seqscan = off", 'SET hnsw.ef_search = 300', @statements),
		stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	$node->stop;
	return ($out, [ $err =~ /ERROR:\s+([^\n]*)/g ]);
}
my $insert = 'BEGIN; INSERT INTO t VALUES (1000, vec(1000)); ROLLBACK';
my $search = q{SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> vec(5) LIMIT 250) s};

# What meets the page first is a search, or the insertion that would write to it.
for my $damage ([ 'graph', $file->slot_block($next), 4 ], [ 'vector', $file->vector_block($next), 3 ])
{
	my ($what, $block, $wrong_kind) = @$damage;
	$file->{bytes} = $sound;
	$file->set_kind($block, $wrong_kind);
	$file->save;
	my $error = qr/^XX002: index "t_idx" is damaged at block $block: not a page of the kind that belongs here$/;
	for my $first ([ 'a search', $search ], [ 'an insertion', $insert ])
	{
		my ($out, $errors) = in_one_session($first->[1], $search);
		is($out, '', "$what page, met by $first->[0]: nothing is found on it afterwards");
		is(scalar(grep { $_ =~ $error } @$errors), 2, "$what page, met by $first->[0]: it is reported each time")
		  or diag(explain($errors));
	}
}

$file->{bytes} = $sound;
$file->save;
my ($out, $errors) = in_one_session($insert, $search);
is($out, '250', 'the pages as they were: the rows are there');
is_deeply($errors, [], 'and nothing is reported');
done_testing();
