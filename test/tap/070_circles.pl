# Chains that lead back into themselves, in crafted files: whoever follows them ends
# soon, with an error that says where the damage is, and changes nothing on the way.
# The same for what is taken from a list of free places and is in use.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use HnswFile;

my $NONE = HnswFile::NONE;

# Each case has a table of its own, of rows whose vectors are equally far from each
# other, so that which of them are linked matters to nobody.
my $n_rows = 12;
my @cases;
sub circle { my ($name, $sql, $do) = @_; push @cases, { name => $name, sql => $sql, do => $do }; return; }

# Everything of level 0, all lists empty, nobody anybody's child, id 0 the entry point.
sub take_apart
{
	my ($f) = @_;
	for my $id (0 .. $n_rows - 1)
	{
		$f->set_slot($id, $_->[0], $_->[1]) for [ level => 0 ], [ upper => $NONE ], [ parent => $NONE ];
		$f->set_links($id);
	}
	$f->set_meta('entry', 0);
	$f->set_meta('entry_level', 0);
	return;
}

sub make_dead
{
	my ($f, @ids) = @_;
	for my $id (@ids)
	{
		$f->set_slot($id, 'state', HnswFile::DEAD);
		$f->set_slot($id, 'n_tids', 0);
	}
	$f->set_meta('n_dead', scalar @ids);
	$f->set_meta('n_linked', $n_rows - @ids);
	$f->set_meta('n_tids', $n_rows - @ids);
	return;
}

# These become the children of $parent, who has no other neighbours.
sub adopt
{
	my ($f, $parent, @children) = @_;
	$f->set_links($parent, @children);
	$f->set_slot($_, 'parent', $parent) for @children;
	return;
}

# A new element near element 0 is to be linked: 0 and 1 are each other's child, and have
# lists full of children. Elements equally far from each other are no neighbours of one
# that is nearer to 0 than they are, so the only way is down the tree.
circle link => q{INSERT INTO %s SELECT 100, array_agg(1.01 * (j = 1)::int)::vector FROM generate_series(1, 64) j}, sub {
	my ($f) = @_;
	take_apart($f);
	adopt($f, 0, 1, 2, 3, 4);
	adopt($f, 1, 0, 5, 6, 7);
	$f->set_links($_, 0) for 2 .. 7;
	adopt($f, 2, 8 .. $n_rows - 1);
	return (0, 1);
};

# The entry point is dead, and so is all above the one element that is left: its parents
# lead in a circle.
circle raise_to_entry => q{SELECT hnsw_cleanup('%s_v_idx')}, sub {
	my ($f) = @_;
	take_apart($f);
	make_dead($f, 0 .. $n_rows - 2);
	my $alive = $n_rows - 1;
	adopt($f, $alive, 4, 5, 6, 7);
	adopt($f, 1, $alive, 3);
	adopt($f, 2, 1);
	adopt($f, 3, 2);
	return (1, 2, 3);
};

# An orphan's dead parents lead in a circle, and nobody has room for it.
circle raise_orphan => q{SELECT hnsw_cleanup('%s_v_idx')}, sub {
	my ($f) = @_;
	take_apart($f);
	my $orphan = $n_rows - 1;
	make_dead($f, 1 .. $n_rows - 2);
	adopt($f, 0, 4, 5, 6, 7);
	adopt($f, 1, $orphan, 3);
	adopt($f, 2, 1);
	adopt($f, 3, 2);
	return (1, 2, 3);
};

# On the way down to somebody who has room for an orphan there is a circle, through the
# entry point. (Lists name the same child again and again, so that they are full.)
circle adopt_down => q{SELECT hnsw_cleanup('%s_v_idx')}, sub {
	my ($f) = @_;
	take_apart($f);
	my ($below, $orphan) = (1, $n_rows - 1);
	make_dead($f, 2 .. $n_rows - 2);
	adopt($f, 0, ($below) x 4);
	adopt($f, $below, (0) x 4);
	adopt($f, 2, $orphan);
	return (0, 1);
};

# Upper lists of a dead element lead in a circle; nothing above level 1 exists.
circle upper_lists => q{SELECT hnsw_cleanup('%s_v_idx')}, sub {
	my ($f) = @_;
	my ($dead) = grep { $_ != $f->meta('entry') && $f->slot($_, 'level') > 0 } 0 .. $n_rows - 1;
	make_dead($f, $dead);
	my $upper = $f->slot($dead, 'upper');
	$f->set_upper($upper, 'next', $upper);
	return ($dead);
};

# An upper list that is in use is on the free list. Forty elements need some.
circle free_uppers => q{INSERT INTO %s SELECT 100 + i, vec(i) FROM generate_series(1, 40) i}, sub {
	my ($f) = @_;
	my $entry = $f->meta('entry');
	$f->set_meta('free_uppers', $f->slot($entry, 'upper'));
	$f->set_meta('n_free_uppers', 1);
	return ($entry);
};

# The first TID container of an element is another element.
circle container => q{INSERT INTO %s SELECT 100, vec(1) FROM generate_series(1, 3)}, sub {
	my ($f) = @_;
	$f->set_slot(0, 'more_tids', 1);
	return (0);
};

# More is pending than there are elements.
circle pending => q{SELECT hnsw_sync('%s_v_idx')}, sub {
	my ($f) = @_;
	$f->set_pending(([ 0, $n_rows ]) x 900);
	$f->set_meta('n_pending', 900 * $n_rows);
	return ('metapage');
};

my $node = PostgreSQL::Test::Cluster->new('circles');
$node->init;
PostgreSQL::Test::Utils::system_log('pg_checksums', '--disable', '-D', $node->data_dir);
$node->append_conf('postgresql.conf', "autovacuum = off\nhnsw.sync_interval = 0\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION hnswpg;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	  $$SELECT array_agg((j = i)::int::real)::vector FROM generate_series(1, 64) j$$;
});
for my $case (@cases)
{
	my $t = $case->{name};
	# Upper lists for whoever needs one to be damaged: as the levels are drawn.
	my $few = 1;
	while ($few)
	{
		$node->safe_psql('postgres', qq{
			DROP TABLE IF EXISTS $t;
			CREATE TABLE $t (id int, v vector(64));
			CREATE INDEX ${t}_v_idx ON $t USING hnsw (v vector_l2_ops)
			  WITH (m = 2, ef_construction = 4, quantization = none, sync = immediate);
			INSERT INTO $t SELECT i, vec(i) FROM generate_series(1, $n_rows) i;
			CHECKPOINT;
		});
		$case->{path} = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('${t}_v_idx')");
		my $file = HnswFile->new($case->{path});
		my @high = grep { $file->slot($_, 'level') > 0 } 0 .. $n_rows - 1;
		$few = @high < 3;
	}
}
$node->stop;
for my $case (@cases)
{
	my $file = HnswFile->new($case->{path});
	$case->{at} = [ $case->{do}->($file) ];
	$file->save;
}
$node->start;

for my $case (@cases)
{
	my $t = $case->{name};
	my $timed_out;
	my ($code, $out, $err) = $node->psql('postgres',
		"\\set VERBOSITY verbose\nSET statement_timeout = '20s'; " . sprintf($case->{sql}, $t),
		timeout => 40, timed_out => \$timed_out, on_error_die => 0);
	ok(!$timed_out, "$t: it ends");
	if ($timed_out)
	{
		# No cancel reaches it, so nothing gentler would.
		$node->stop('immediate');
		$node->start;
		next;
	}
	my $where = $case->{at}[0] eq 'metapage' ? 'at block 0' : 'at block \d+, element (' . join('|', @{ $case->{at} }) . ')';
	like($err, qr/ERROR:  XX002: .*$where: /, "$t: the damage is reported");
}
unlike(slurp_file($node->logfile), qr/terminated by signal 1?[14]\b|PANIC|TRAP/, 'no process went down');
$node->stop;
done_testing();
