# Damages one invariant at a time, in an index of its own, and asks two things:
# that hnsw_check reports it with block and element, and that searching the index
# ends well or with an error that says where the damage is, in a short time and
# without the server going down.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use List::Util qw(max);
use Test::More;
use HnswFile;

my $NONE = HnswFile::NONE;

# Every damaged index begins as this one: 300 elements and one with 40 heap TIDs,
# rows deleted and vacuumed away, a HOT-updated row.
sub create_table
{
	my ($name) = @_;
	return qq{
		CREATE TABLE $name (id int, v vector(8)) WITH (fillfactor = 50, autovacuum_enabled = off);
		INSERT INTO $name SELECT i, vec(i) FROM generate_series(1, 300) i;
		INSERT INTO $name SELECT i, vec(0) FROM generate_series(301, 340) i;
		CREATE INDEX ${name}_idx ON $name USING hnsw (v vector_l2_ops) WITH (quantization = int8, m = 4, ef_construction = 20);
		DELETE FROM $name WHERE id BETWEEN 10 AND 40;
		VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) $name;
		SELECT hnsw_cleanup('${name}_idx');
		UPDATE $name SET id = 1000 WHERE id = 70;
	};
}

# Each case: damages the file and returns what hnsw_check must report, a list of
# [block, element, text], and what a search must do:
#   none      nothing is said of it: damage that it passes over
#   error     ends with SQLSTATE XX002 that names `block` and `element` (of `at`)
#   also      a statement, with TABLE for the table's name, and the error that it ends with
my @cases;
sub damage { my ($name, $do) = @_; push @cases, { name => $name, do => $do }; return; }

# More than is linked one by one; and, until the page is full and more has to be inserted into
# the index, new versions of the rows that have one vector.
my $link_many = 'SET hnsw.pending_limit = 1000000; INSERT INTO TABLE SELECT i, vec(i) FROM generate_series(3000, 5000) i;'
  . " SELECT hnsw_sync('TABLE_idx')";
my $update_id = 'DO $$BEGIN FOR i IN 1 .. 30 LOOP UPDATE TABLE SET id = id WHERE id BETWEEN 301 AND 340; END LOOP; END$$';

# Linked elements with something special.
sub linked { my ($f, $condition) = @_; return grep { !$condition || $condition->($_) } $f->in_state(HnswFile::LINKED); }
sub not_entry { my ($f) = @_; return grep { $_ != $f->meta('entry') } linked($f); }
sub with_upper { my ($f) = @_; return (grep { $f->slot($_, 'level') > 0 } not_entry($f))[0]; }
sub equal_one { my ($f) = @_; return (linked($f, sub { $f->slot($_[0], 'more_tids') != $NONE }))[0]; }
sub upper_slots { my ($f, $free) = @_; return grep { ($f->upper($_, 'owner') == $NONE) == $free } 0 .. $f->meta('next_upper') - 1; }
sub free_list { my ($f) = @_; my @ids; for (my $id = $f->meta('free_elements'); $id != $NONE; $id = $f->slot($id, 'next')) { push @ids, $id } return @ids; }

# --- pages ---

damage zeroed_page => sub {
	my ($f) = @_;
	my $block = $f->slot_block($f->meta('entry'));
	$f->zero_page($block);
	my ($first) = $f->find(sub { $f->slot_block($_[0]) == $block });
	return { report => [ $block, $first, 'the page of this slot is empty' ], error => { block => $block } };
};
damage wrong_kind => sub {
	my ($f) = @_;
	my $block = $f->slot_block($f->meta('entry'));
	$f->set_kind($block, 4);
	return { report => [ $block, '', 'not the graph page that belongs here' ], error => { block => $block } };
};
damage wrong_kind_vector => sub {
	my ($f) = @_;
	my $block = $f->vector_block($f->meta('entry'));
	$f->set_kind($block, 3);
	return { report => [ $block, '', 'not the vector page that belongs here' ], error => { block => $block } };
};
damage broken_header => sub {
	my ($f) = @_;
	my $block = $f->slot_block($f->meta('entry'));
	$f->set_content_end($block, 9000);
	# Found by the server itself.
	return { report => [ $block, '', qr/^invalid page in block $block of relation/ ], error => { sqlstate => 'XX001' } };
};
damage lost_content => sub {
	my ($f) = @_;
	my $id = $f->meta('entry');
	$f->set_content_end($f->slot_block($id), 64);
	return { report => [ $f->slot_block($id), $id, 'the slot lies outside of what the page header says is in use' ] };
};
damage cut_file => sub {
	my ($f) = @_;
	# Behind the last vector there may be pages for those that come next.
	my $last = max map { $f->vector_block($_) } linked($f);
	my ($id) = grep { $f->vector_block($_) == $last } linked($f);
	$f->truncate_to($last);
	return { report => [ $last, $id, 'its vector lies on an empty page' ], error => { sqlstate => 'XX' } };
};
# The page has vectors of elements in use, and of free slots, which insertions would take. To make
# it anew would give the others vectors of zeros, and nobody would be told.
damage vectors_lost => sub {
	my ($f) = @_;
	my ($free) = free_list($f);
	my $block = $f->vector_block($free);
	my ($id) = grep { $f->vector_block($_) == $block } linked($f);
	$f->zero_page($block);
	return { report => [ $block, $id, 'its vector lies on an empty page' ], error => { sqlstate => 'XX' }, insertions => 0 };
};
damage cut_to_metapage => sub {
	my ($f) = @_;
	my $n = $f->meta('next_element');
	$f->truncate_to(1);
	return { report => [ 0, '', "$n slots are in use, but the file ends after 1 blocks" ], error => { sqlstate => 'XX' } };
};
damage empty_file => sub {
	my ($f) = @_;
	$f->truncate_to(0);
	return { report => [ 0, '', 'the file is empty' ], error => { sqlstate => 'XX' } };
};

# --- the code book ---
# It lies behind the metapage, in the first or second place.

damage cut_before_book => sub {
	my ($f) = @_;
	my $book = $f->book_block;
	$f->truncate_to($book);
	return { report => [ 0, '', qr/at block $book: the file ends before its code book does/ ], error => { block => $book } };
};
damage book_of_wrong_kind => sub {
	my ($f) = @_;
	my $book = $f->book_block;
	$f->set_kind($book, 2);
	return { report => [ 0, '', qr/at block $book: not a page of the kind that belongs here/ ], error => { block => $book } };
};
damage book_of_another_number => sub {
	my ($f) = @_;
	$f->set_book('number', $f->meta('book') + 2);
	return { report => [ 0, '', qr/the code book is not the one that the metapage names/ ], error => { block => 0 } };
};
damage book_not_finite => sub {
	my ($f) = @_;
	$f->set_book('first', unpack('V', pack('f', 9**9**9)));
	my $book = $f->book_block;
	return { report => [ 0, '', qr/at block $book: the centre of the code book is not finite/ ], error => { block => $book } };
};

# --- the metapage ---

damage magic => sub {
	my ($f) = @_;
	$f->set_meta('magic', 0x12345678);
	return { report => [ 0, '', qr/damaged at block 0: not a metapage/ ], error => { block => 0 } };
};
damage newer_version => sub {
	my ($f) = @_;
	$f->set_meta('version', 99);
	return { refused => '0A000', error => { sqlstate => '0A000' } };
};
damage impossible_m => sub {
	my ($f) = @_;
	$f->set_meta('m', 1000);
	return { report => [ 0, '', qr/contradicts itself/ ], error => { block => 0 } };
};
damage too_many_slots => sub {
	my ($f) = @_;
	$f->set_meta('next_element', 2_000_000_000);
	return { report => [ 0, '', qr/^2000000000 slots are in use, but the file ends/ ] };
};
damage count_of_linked => sub {
	my ($f) = @_;
	my $n = $f->meta('n_linked');
	$f->set_meta('n_linked', $n + 1);
	return { report => [ 0, '', "$n slots are linked, not " . ($n + 1) . ' as the metapage says' ] };
};
damage count_of_dead => sub {
	my ($f) = @_;
	$f->set_meta('n_dead', 7);
	return { report => [ 0, '', '0 slots are dead, not 7 as the metapage says' ] };
};
damage count_of_containers => sub {
	my ($f) = @_;
	my $n = $f->meta('n_tid_slots');
	$f->set_meta('n_tid_slots', 0);
	return { report => [ 0, '', "$n slots are TID containers, not 0 as the metapage says" ] };
};

damage count_of_tids => sub {
	my ($f) = @_;
	my $n = $f->meta('n_tids');
	$f->set_meta('n_tids', $n + 5);
	return { report => [ 0, '', "there are $n heap TIDs, not " . ($n + 5) . ' as the metapage says' ] };
};

# --- links ---

damage too_many_neighbours => sub {
	my ($f) = @_;
	my $id = $f->meta('entry');
	$f->set_slot($id, 'n_links', 9);
	return { report => [ $f->slot_block($id), $id, '9 neighbours where 8 fit' ],
		error => { block => $f->slot_block($id), element => $id } };
};
damage neighbour_does_not_exist => sub {
	my ($f) = @_;
	my $id = $f->meta('entry');
	my $far = $f->meta('next_element') + 5;
	my @links = $f->links($id);
	$f->set_links($id, $far, @links[ 1 .. $#links ]);
	return { report => [ $f->slot_block($id), $id, "links to element $far on level 0, which does not exist" ],
		error => { block => $f->slot_block($id), element => $id } };
};
damage self_link => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	my @links = $f->links($id);
	$f->set_links($id, $id, @links[ 1 .. $#links ]);
	return { report => [ $f->slot_block($id), $id, 'links to itself on level 0' ] };
};
damage duplicate_link => sub {
	my ($f) = @_;
	my ($id) = grep { $f->slot($_, 'n_links') >= 2 } not_entry($f);
	my @links = $f->links($id);
	$f->set_links($id, @links[ 0 .. $#links - 1 ], $links[0]);
	return { report => [ $f->slot_block($id), $id, "links to element $links[0] on level 0 more than once" ],
		also => [ $link_many, qr/at block \d+, element $id: its list on level 0: a link twice/ ] };
};
damage link_to_free_slot => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	my $free = $f->meta('free_elements');
	my @links = $f->links($id);
	$f->set_links($id, $free, @links[ 1 .. $#links ]);
	return { report => [ $f->slot_block($id), $id, "links to slot $free on level 0, which is free" ] };
};
damage link_to_container => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	my ($container) = $f->in_state(HnswFile::TIDS);
	my @links = $f->links($id);
	$f->set_links($id, $container, @links[ 1 .. $#links ]);
	return { report => [ $f->slot_block($id), $id, "links to slot $container on level 0, which is a TID container" ] };
};
damage level_too_low => sub {
	my ($f) = @_;
	my ($list) = grep { $f->upper($_, 'n_links') > 0 } upper_slots($f, 0);
	my ($low) = linked($f, sub { $f->slot($_[0], 'level') == 0 });
	$f->set_upper_link($list, 0, $low);
	my $level = $f->upper($list, 'level');
	return { report => [ $f->upper_block($list), $f->upper($list, 'owner'),
			"links to element $low on level $level, which is of level 0" ] };
};
damage upper_link_does_not_exist => sub {
	my ($f) = @_;
	my $list = $f->slot($f->meta('entry'), 'upper');
	$list = $f->upper($list, 'next') while $f->upper($list, 'next') != $NONE;
	my $level = $f->upper($list, 'level');
	$f->set_upper($list, 'n_links', 1);
	$f->set_upper_link($list, 0, 1_000_000);
	my $at = { block => $f->upper_block($list), element => $f->meta('entry') };
	return { report => [ $at->{block}, $at->{element}, "links to element 1000000 on level $level, which does not exist" ],
		error => $at };
};

# --- upper lists ---

damage too_many_upper_neighbours => sub {
	my ($f) = @_;
	my $list = $f->slot($f->meta('entry'), 'upper');
	$list = $f->upper($list, 'next') while $f->upper($list, 'next') != $NONE;
	my $level = $f->upper($list, 'level');
	$f->set_upper($list, 'n_links', 200);
	my $at = { block => $f->upper_block($list), element => $f->meta('entry') };
	return { report => [ $at->{block}, $at->{element}, "200 neighbours on level $level where 4 fit" ], error => $at };
};
damage foreign_upper_list => sub {
	my ($f) = @_;
	my $id = with_upper($f);
	my $list = $f->slot($id, 'upper');
	$f->set_upper($list, 'owner', $f->meta('entry'));
	return { report => [ $f->slot_block($id), $id, "refers to upper list $list, which is not its own" ] };
};
damage upper_list_missing => sub {
	my ($f) = @_;
	my $id = with_upper($f);
	my $level = $f->slot($id, 'level');
	$f->set_slot($id, 'upper', $NONE);
	return { report => [ $f->slot_block($id), $id, "has upper lists up to level 0 only, but is of level $level" ] };
};
damage upper_list_of_wrong_level => sub {
	my ($f) = @_;
	my $id = with_upper($f);
	my $list = $f->slot($id, 'upper');
	$f->set_upper($list, 'level', 5);
	return { report => [ $f->upper_block($list), $id, "upper list $list is of level 5 where level 1 follows" ] };
};
damage upper_list_does_not_exist => sub {
	my ($f) = @_;
	my $id = with_upper($f);
	my $far = $f->meta('next_upper') + 3;
	$f->set_slot($id, 'upper', $far);
	return { report => [ $f->slot_block($id), $id, "refers to upper list $far, which does not exist" ] };
};
damage upper_list_far_away => sub {
	my ($f) = @_;
	my $entry = $f->meta('entry');
	$f->set_slot($entry, 'upper', 4_000_000_000);
	return { report => [ $f->slot_block($entry), $entry, 'refers to upper list 4000000000, which does not exist' ],
		error => { block => $f->slot_block($entry), element => $entry } };
};
damage free_uppers_lost => sub {
	my ($f) = @_;
	my ($list) = upper_slots($f, 1);
	$f->set_meta('free_uppers', $NONE);
	return { report => [ $f->upper_block($list), '', "upper list $list is free, but not on the free list" ] };
};
damage free_uppers_in_use => sub {
	my ($f) = @_;
	my ($list) = upper_slots($f, 0);
	$f->set_meta('free_uppers', $list);
	return { report => [ $f->upper_block($list), $f->upper($list, 'owner'),
			"upper list $list is on the free list, but belongs to this element" ] };
};

# --- slots ---

damage no_such_state => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_slot($id, 'state', 9);
	return { report => [ $f->slot_block($id), $id, 'there is no slot state 9' ] };
};
damage level_too_high => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_slot($id, 'level', 99);
	return { report => [ $f->slot_block($id), $id, 'level 99 is beyond the highest there is, 40' ] };
};
damage no_tids => sub {
	my ($f) = @_;
	my ($id) = grep { $f->slot($_, 'n_tids') == 1 } not_entry($f);
	my $tid = $f->tid($id, 0);
	$f->set_slot($id, 'n_tids', 0);
	return { heapcheck => [ 0, '', "the row at heap TID ($tid->[0],$tid->[1]) is not in the index" ] };
};
damage pending_with_tids => sub {
	my ($f) = @_;
	my $id = $f->meta('free_elements');
	$f->set_slot($id, 'state', HnswFile::PENDING);
	$f->set_slot($id, 'n_tids', 2);
	return { report => [ $f->slot_block($id), $id, 'not linked yet, but with more than one heap TID' ] };
};
damage dead_with_tids => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_slot($id, 'state', HnswFile::DEAD);
	return { report => [ $f->slot_block($id), $id, 'dead, but with heap TIDs' ] };
};
damage too_many_tids => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_slot($id, 'n_tids', 4);
	return { report => [ $f->slot_block($id), $id, '4 heap TIDs in the slot where 3 fit' ] };
};

# --- the tree of parents and the entry point ---

damage no_parent => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_slot($id, 'parent', $NONE);
	return { report => [ $f->slot_block($id), $id, 'has no parent, but is not the entry point' ] };
};
damage parent_does_not_exist => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_slot($id, 'parent', 100_000);
	return { report => [ $f->slot_block($id), $id, 'its parent is element 100000, which does not exist' ] };
};
damage parent_is_free => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	my $free = $f->meta('free_elements');
	$f->set_slot($id, 'parent', $free);
	return { report => [ $f->slot_block($id), $id, "its parent $free is not in the graph" ] };
};
damage parent_without_link => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	my ($other) = grep { my $o = $_; $o != $id && !grep { $_ == $id } $f->links($o) } not_entry($f);
	$f->set_slot($id, 'parent', $other);
	return { report => [ $f->slot_block($id), $id, "its parent $other does not link to it" ] };
};
damage circle_of_parents => sub {
	my ($f) = @_;
	for my $a (not_entry($f))
	{
		for my $b ($f->links($a))
		{
			next if $b == $f->meta('entry') || !grep { $_ == $a } $f->links($b);
			$f->set_slot($a, 'parent', $b);
			$f->set_slot($b, 'parent', $a);
			return { report => [ qr/^\d+$/, qr/^($a|$b)$/, 'its chain of parents leads back to it' ] };
		}
	}
	die 'no two elements link to each other';
};
damage unreachable => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	for my $other (linked($f))
	{
		my @links = $f->links($other);
		$f->set_links($other, grep { $_ != $id } @links) if grep { $_ == $id } @links;
	}
	return { report => [ $f->slot_block($id), $id, 'cannot be reached from the entry point' ] };
};
damage entry_not_in_graph => sub {
	my ($f) = @_;
	my $free = $f->meta('free_elements');
	$f->set_meta('entry', $free);
	return { report => [ $f->slot_block($free), $free, 'the entry point, but not in the graph' ] };
};
damage no_entry => sub {
	my ($f) = @_;
	$f->set_meta('entry', $NONE);
	my ($first) = linked($f);
	return { report => [ 0, $first, 'in the graph, but there is no entry point' ] };
};
damage entry_beyond_end => sub {
	my ($f) = @_;
	$f->set_meta('entry', $f->meta('next_element'));
	return { report => [ 0, '', qr/contradicts itself/ ], error => { block => 0 } };
};
damage entry_with_parent => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_slot($f->meta('entry'), 'parent', $id);
	return { report => [ $f->slot_block($f->meta('entry')), $f->meta('entry'), 'the entry point, but has a parent' ] };
};
damage entry_level => sub {
	my ($f) = @_;
	my ($entry, $level) = ($f->meta('entry'), $f->meta('entry_level'));
	$f->set_meta('entry_level', $level + 2);
	return { report => [ 0, $entry, "the entry point is of level $level, not " . ($level + 2) . ' as the metapage says' ] };
};

# --- free list and pending list ---

damage free_list_in_a_circle => sub {
	my ($f) = @_;
	my @free = free_list($f);
	$f->set_slot($free[-1], 'next', $free[0]);
	return { report => [ $f->slot_block($free[-1]), $free[-1], "the free list leads to slot $free[0], which was met before" ],
		insertions => scalar @free };
};
damage free_list_in_use => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_meta('free_elements', $id);
	return { report => [ $f->slot_block($id), $id, 'on the free list, but in use' ], insertions => 0 };
};
damage free_list_does_not_exist => sub {
	my ($f) = @_;
	$f->set_meta('free_elements', 123_456);
	return { report => [ 0, '', 'the free list leads to slot 123456, which does not exist' ], insertions => 0 };
};
damage free_list_lost => sub {
	my ($f) = @_;
	my ($id) = free_list($f);
	$f->set_meta('free_elements', $f->slot($id, 'next'));
	return { report => [ $f->slot_block($id), $id, 'free, but not on the free list' ] };
};
# A slot off the free list that pretends to be pending.
sub make_pending
{
	my ($f) = @_;
	my $id = $f->meta('free_elements');
	$f->set_meta('free_elements', $f->slot($id, 'next'));
	$f->set_meta('n_free', $f->meta('n_free') - 1);
	$f->set_slot($id, 'state', HnswFile::PENDING);
	$f->set_slot($id, $_, $NONE) for qw(parent upper more_tids);
	return $id;
}

damage pending_list_in_use => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_pending([ $id, 1 ]);
	$f->set_meta('n_pending', 1);
	return { report => [ $f->slot_block($id), $id, 'on the pending list, but not pending' ] };
};
damage pending_without_list => sub {
	my ($f) = @_;
	my $id = make_pending($f);
	return { report => [ $f->slot_block($id), $id, 'pending, but not on the pending list' ] };
};
damage pending_twice => sub {
	my ($f) = @_;
	my $id = make_pending($f);
	$f->set_pending([ $id, 1 ], [ $id, 1 ]);
	$f->set_meta('n_pending', 2);
	return { report => [ 0, '', "the pending list leads to slot $id, which was met before" ] };
};
damage pending_does_not_exist => sub {
	my ($f) = @_;
	my $far = $f->meta('next_element') + 7;
	$f->set_pending([ $far, 3 ]);
	$f->set_meta('n_pending', 3);
	return { report => [ 0, '', "the pending list has 3 slots from $far on, which do not exist" ],
		error => { block => 0 } };
};
# Nobody makes room for so many.
damage pending_more_than_the_file => sub {
	my ($f) = @_;
	$f->set_meta('next_element', 2_000_000_000);
	$f->set_pending([ 1000, 1_900_000_000 ]);
	return { report => [ 0, '', qr/^2000000000 slots are in use, but the file ends/ ], error => { block => 0 } };
};
damage pending_run_of_none => sub {
	my ($f) = @_;
	$f->set_pending([ 5, 0 ]);
	return { report => [ 0, '', 'the pending list has 0 slots from 5 on, which do not exist' ], error => { block => 0 } };
};
damage pending_runs_do_not_fit => sub {
	my ($f) = @_;
	$f->set_meta('n_runs', 5000);
	return { report => [ 0, '', qr/contradicts itself/ ], error => { block => 0 } };
};
damage pending_list_lost_content => sub {
	my ($f) = @_;
	my $id = make_pending($f);
	$f->set_pending([ $id, 1 ]);
	$f->set_meta('n_pending', 1);
	$f->set_content_end(0, 120);
	return { report => [ 0, '', 'the pending list lies outside of what the page header says is in use' ] };
};
damage count_of_pending => sub {
	my ($f) = @_;
	$f->set_meta('n_pending', 3);
	return { report => [ 0, '', '0 slots are pending, not 3 as the metapage says' ] };
};

# --- heap TIDs ---

damage empty_container => sub {
	my ($f) = @_;
	my ($container) = $f->in_state(HnswFile::TIDS);
	$f->set_slot($container, 'n_links', 0);
	return { report => [ $f->slot_block($container), $container, 'a TID container with 0 entries' ] };
};
damage overfull_container => sub {
	my ($f) = @_;
	my ($container) = $f->in_state(HnswFile::TIDS);
	$f->set_slot($container, 'n_links', 5000);
	return { report => [ $f->slot_block($container), $container, 'a TID container with 5000 entries' ] };
};
damage foreign_container => sub {
	my ($f) = @_;
	my $id = equal_one($f);
	my $container = $f->slot($id, 'more_tids');
	$f->set_slot($container, 'parent', $f->meta('entry') == $id ? $id + 1 : $f->meta('entry'));
	return { report => [ $f->slot_block($id), $id, "refers to TID container $container, which is not its own" ],
		also => [ $update_id, qr/element $id: refers to TID container $container, which is not its own/ ] };
};
damage containers_in_a_circle => sub {
	my ($f) = @_;
	my $id = equal_one($f);
	my $first = $f->slot($id, 'more_tids');
	my $second = $f->slot($first, 'next');
	$f->set_slot($second, 'next', $first);
	return { report => [ $f->slot_block($second), $second, "refers to TID container $first, which was met before" ],
		error => { block => $f->slot_block($id), element => $id } };
};
damage container_is_an_element => sub {
	my ($f) = @_;
	my $id = equal_one($f);
	my ($other) = grep { $_ != $id } not_entry($f);
	$f->set_slot($id, 'more_tids', $other);
	return { report => [ $f->slot_block($id), $id, "refers to TID container $other, which is none" ],
		also => [ $update_id, qr/element $id: refers to TID container $other, which is not its own/ ] };
};
damage container_does_not_exist => sub {
	my ($f) = @_;
	my $id = equal_one($f);
	$f->set_slot($id, 'more_tids', 1_000_000);
	return { report => [ $f->slot_block($id), $id, 'refers to TID container 1000000, which does not exist' ],
		error => { block => $f->slot_block($id), element => $id } };
};
damage tid_twice => sub {
	my ($f) = @_;
	my ($a, $b) = grep { $f->slot($_, 'more_tids') == $NONE } not_entry($f);
	my $tid = $f->tid($a, 0);
	$f->set_tid($b, 0, $tid);
	return { report => [ $f->slot_block($b), $b, "heap TID ($tid->[0],$tid->[1]) is in slot $a already" ],
		heapcheck => [ $f->slot_block($a), qr/^($a|$b)$/, qr/its vector is not the vector|/ ] };
};
damage tid_behind_table => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_tid($id, 0, [ 70_000, 3 ]);
	return { report => [ $f->slot_block($id), $id, 'heap TID (70000,3) points behind the end of the table' ] };
};
damage tid_of_no_line => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_tid($id, 0, [ 0, 290 ]);
	return { report => [ $f->slot_block($id), $id, 'heap TID (0,290) points behind the last line of its page' ] };
};
damage tid_of_unused_line => sub {
	my ($f, $lines) = @_;
	my ($id) = not_entry($f);
	$f->set_tid($id, 0, $lines->{unused});
	return { report => [ $f->slot_block($id), $id, "heap TID ($lines->{unused}[0],$lines->{unused}[1]) points to an unused line" ] };
};
damage tid_of_heap_only_tuple => sub {
	my ($f, $lines) = @_;
	my ($id) = not_entry($f);
	$f->set_tid($id, 0, $lines->{heap_only});
	return { report => [ $f->slot_block($id), $id,
			"heap TID ($lines->{heap_only}[0],$lines->{heap_only}[1]) points to a heap-only tuple" ] };
};
damage tids_exchanged => sub {
	my ($f) = @_;
	my ($a, $b) = grep { $f->slot($_, 'n_tids') == 1 } not_entry($f);
	my ($ta, $tb) = ($f->tid($a, 0), $f->tid($b, 0));
	$f->set_tid($a, 0, $tb);
	$f->set_tid($b, 0, $ta);
	return { heapcheck => [ $f->slot_block($a), $a, "its vector is not the vector of the row at heap TID ($tb->[0],$tb->[1])" ] };
};
damage row_missing => sub {
	my ($f) = @_;
	my $id = equal_one($f);
	my $tid = $f->tid($id, 2);
	$f->set_slot($id, 'n_tids', 2);
	return { heapcheck => [ 0, '', "the row at heap TID ($tid->[0],$tid->[1]) is not in the index" ] };
};

# --- vectors and codes ---

damage code => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->flip_code($id, 3);
	return { report => [ $f->slot_block($id), $id, 'its code is not the code of its vector' ] };
};
damage vector => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_vector($id, 5, 12345);
	return { report => [ $f->slot_block($id), $id, 'its code is not the code of its vector' ] };
};
damage vector_not_finite => sub {
	my ($f) = @_;
	my ($id) = not_entry($f);
	$f->set_vector($id, 5, 9**9**9);
	return { report => [ $f->vector_block($id), $id, 'its vector is not finite at dimension 6' ] };
};

# ---------------------------------------------------------------------------

my $node = PostgreSQL::Test::Cluster->new('damage');
$node->init;
# Checksums would find most of this before the index does; later servers have them
# by default.
PostgreSQL::Test::Utils::system_log('pg_checksums', '--disable', '-D', $node->data_dir);
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_parallel_maintenance_workers = 0\nhnsw.sync_interval = 0\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION hnswpg;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	  $$SELECT array_agg((sin(i * 12.9898 + j * 78.233) * 10)::real)::vector FROM generate_series(1, 8) j$$;
});

my @tables = map { "d_$_->{name}" } @cases;
$node->safe_psql('postgres', join '', map { create_table($_) } @tables);
my ($table) = @tables;
is($node->safe_psql('postgres', join ';', map { "SELECT * FROM hnsw_check('${_}_idx', true)" } @tables),
	'', 'every index is sound before it is damaged');
my %path = map { $_ => $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('${_}_idx')") } @tables;
my %lines = (
	# Row 10 was the tenth of its table, and is gone.
	unused => [ 0, 10 ],
	heap_only => [ $node->safe_psql('postgres', "SELECT ctid FROM $table WHERE id = 1000") =~ /\d+/g ]);
$node->stop;

for my $case (@cases)
{
	my $file = HnswFile->new($path{"d_$case->{name}"});
	$case->{expect} = $case->{do}->($file, \%lines);
	$file->save;
}
$node->start;

my $settings = "SET client_min_messages = error; SET statement_timeout = '60s'; SET enable_seqscan = off; SET hnsw.ef_search = 1000;\n";
# What begins a statement for which nothing is known yet of the index.
my $anew = "\\c\n$settings";

# Runs statements by one psql, whatever comes of them; returns a list of rows and error with
# SQLSTATE for each.
sub run_each
{
	my (@statements) = @_;
	my $script = join '', map { "$_;\n\\echo -- next\n\\warn -- next\n" } @statements;
	my (undef, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$settings$script", on_error_stop => 0);
	my @out = split /^-- next\n?/m, $out, -1;
	my @err = split /^-- next\n?/m, $err, -1;
	die "a session has ended:\n$script$out$err" unless @out == @statements + 1 && @err == @out;
	chomp @out;
	return map { [ $out[$_], $err[$_] ] } 0 .. $#statements;
}

sub matches { my ($value, $wanted) = @_; return ref $wanted ? $value =~ $wanted : $value eq $wanted; }

# Whether one of the rows of hnsw_check is this one.
sub reported
{
	my ($out, $row) = @_;
	for my $line (split /\n/, $out)
	{
		my ($block, $element, $text) = split /\|/, $line, 3;
		return 1 if matches($block, $row->[0]) && matches($element, $row->[1]) && matches($text, $row->[2]);
	}
	return 0;
}

# What is well, or is an error about damage.
sub ends_well { my ($err, $codes) = @_; return $err eq '' || $err =~ /ERROR:  ($codes):/; }

for my $case (@cases)
{
	my ($name, $expect) = ($case->{name}, $case->{expect});
	my $index = "d_${name}_idx";
	my $search = sub { "SELECT count(*) FROM (SELECT id FROM d_$name ORDER BY v <-> $_[0] LIMIT 1000) s" };
	# A search that walks all there is, and one that has no order to go by.
	my ($check, $heapcheck, $walk, $all, $insertion, $also) = run_each(
		"SELECT * FROM hnsw_check('$index')",
		$expect->{heapcheck} ? "SELECT * FROM hnsw_check('$index', heapcheck => true)" : 'SELECT',
		$anew . $search->('vec(7)'),
		$anew . $search->('(SELECT NULL::vector)'),
		# Taking a slot off a damaged free list, or linking, is refused.
		defined $expect->{insertions}
		? "INSERT INTO d_$name SELECT i, vec(i) FROM generate_series(2000, 2000 + $expect->{insertions}) i"
		: 'SELECT',
		$expect->{also} ? $expect->{also}[0] =~ s/TABLE/d_$name/gr : 'SELECT');

	my ($out, $err) = @$check;
	if ($expect->{refused})
	{
		like($err, qr/ERROR:  $expect->{refused}:/, "$name: hnsw_check refuses");
	}
	elsif ($expect->{report})
	{
		ok($err eq '' && reported($out, $expect->{report}), "$name: hnsw_check reports it")
		  or diag("got: $err$out\nwanted: @{ $expect->{report} }");
	}
	if ($expect->{heapcheck})
	{
		($out, $err) = @$heapcheck;
		ok($err eq '' && reported($out, $expect->{heapcheck}), "$name: hnsw_check reports it, looking at the table")
		  or diag("got: $err$out\nwanted: @{ $expect->{heapcheck} }");
	}

	($out, $err) = @$walk;
	if (my $error = $expect->{error})
	{
		my $sqlstate = $error->{sqlstate} // 'XX002';
		my $where = defined $error->{block} ? "at block $error->{block}" : '';
		$where .= ", element $error->{element}:" if defined $error->{element};
		like($err, qr/ERROR:  $sqlstate\w*: .*$where/, "$name: a search says where");
	}
	else
	{
		ok(ends_well($err, 'XX00[12]|0A000') && ($err ne '' || $out =~ /^\d+$/), "$name: a search ends well, or with an error about damage")
		  or diag("$err$out");
	}
	($out, $err) = @$all;
	ok(ends_well($err, 'XX00[12]|0A000') && ($err ne '' || $out =~ /^\d+$/), "$name: reading everything ends well, or with an error about damage")
	  or diag("$err$out");
	like($insertion->[1], qr/ERROR:  XX00[12]: /, "$name: an insertion is refused") if defined $expect->{insertions};
	like($also->[1], qr/ERROR:  XX002: .*$expect->{also}[1]/, "$name: what else uses it says where") if $expect->{also};
}

# VACUUM and insertions into whatever is damaged: an error is fine, a crash is not.
for my $case (@cases)
{
	my $table = "d_$case->{name}";
	my @work = (
		[ 'an insertion', "INSERT INTO $table SELECT i, vec(i) FROM generate_series(5000, 5020) i" ],
		[ 'a deletion', "DELETE FROM $table WHERE id % 3 = 0" ],
		[ 'VACUUM', "VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) $table" ],
		[ 'hnsw_sync', "SELECT hnsw_sync('${table}_idx')" ],
		[ 'hnsw_cleanup', "SELECT hnsw_cleanup('${table}_idx')" ]);
	my @results = run_each(map { $_->[1] } @work);
	for my $i (0 .. $#work)
	{
		my $err = $results[$i][1];
		ok(ends_well($err, 'XX00[012]|0A000'), "$case->{name}: $work[$i][0] ends well, or with an error about damage") or diag($err);
	}
}

is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is up');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'no process of it went down');
$node->stop;
done_testing();
