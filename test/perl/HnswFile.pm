# Reads and changes the file of an hnsw index, from what src/storage/FORMAT.md says
# of the format and nothing else. For damaging indexes on purpose, while the server
# is stopped.
package HnswFile;

use strict;
use warnings;

use constant {
	PAGE => 8192,
	NONE => 0xFFFFFFFF,
	FREE => 0,
	PENDING => 1,
	LINKED => 2,
	DEAD => 3,
	TIDS => 4,
};

# Fields of the metapage: offset behind the page header, and how they are packed.
my %META = (
	magic => [ 0, 'V' ], version => [ 4, 'V' ], dim => [ 8, 'V' ], m => [ 12, 'v' ],
	ef_construction => [ 14, 'v' ], metric => [ 16, 'C' ], quantization => [ 17, 'C' ],
	entry => [ 20, 'V' ], entry_level => [ 24, 'V' ], next_element => [ 28, 'V' ],
	next_upper => [ 32, 'V' ], free_elements => [ 36, 'V' ], free_uppers => [ 40, 'V' ],
	first_run => [ 44, 'v' ], n_runs => [ 46, 'v' ], n_pending => [ 48, 'V' ],
	n_linked => [ 52, 'V' ], n_dead => [ 56, 'V' ], n_tid_slots => [ 60, 'V' ],
	n_free => [ 64, 'V' ], n_free_uppers => [ 68, 'V' ], n_tids => [ 72, 'Q<' ],
	last_sync => [ 80, 'q<' ], n_reroutings => [ 88, 'V' ], features => [ 92, 'V' ],
	payload_bytes => [ 96, 'V' ], exact_bytes => [ 100, 'V' ], book_bytes => [ 104, 'V' ],
	book => [ 112, 'v' ], n_exact => [ 116, 'V' ], n_when_learnt => [ 120, 'V' ],
	n_exact_when_learnt => [ 124, 'V' ], recoding => [ 128, 'V' ], recoding_at => [ 132, 'V' ]);

# Fields of a slot: before the payload, and in the tail.
my %HEAD = (state => [ 0, 'C' ], level => [ 1, 'C' ], book => [ 2, 'v' ]);
my %TAIL = (
	version => [ 0, 'V' ], parent => [ 4, 'V' ], next => [ 8, 'V' ], upper => [ 12, 'V' ],
	more_tids => [ 16, 'V' ], n_links => [ 20, 'v' ], n_tids => [ 22, 'C' ]);
my %UPPER = (owner => [ 0, 'V' ], next => [ 4, 'V' ], n_links => [ 8, 'v' ], level => [ 10, 'C' ]);
my %BYTES = (C => 1, v => 2, V => 4, 'Q<' => 8, 'q<' => 8);

sub ceil_div { my ($n, $by) = @_; return int(($n + $by - 1) / $by); }

sub new
{
	my ($class, $path) = @_;
	open my $file, '<:raw', $path or die "$path: $!";
	local $/;
	my $self = bless { path => $path, bytes => <$file> }, $class;
	close $file;
	$self->_compute_layout;
	return $self;
}

sub save
{
	my ($self) = @_;
	open my $file, '>:raw', $self->{path} or die "$self->{path}: $!";
	print $file $self->{bytes};
	close $file or die "$self->{path}: $!";
	return;
}

sub _compute_layout
{
	my ($self) = @_;
	my ($d, $m) = ($self->meta('dim'), $self->meta('m'));
	my $int8 = $self->meta('quantization') == 1;
	my $payload = $int8 ? $d : 4 * $d;
	my $behind = 48 + 8 * $m;
	my $whole = 4 * ceil_div(12 + $payload, 4) + $behind;
	if ($whole <= 8120)
	{
		my $bytes = 64 * ceil_div($whole, 64);
		$self->{slot_bytes} = $bytes > 8120 ? 8120 : $bytes;
		$self->{tail} = 4 * ceil_div(12 + $payload, 4);
		$self->{pages_per_slot} = 1;
	}
	else
	{
		my $first = (8120 - 12 - $behind) & ~3;
		$self->{slot_bytes} = 8120;
		$self->{tail} = 12 + $first;
		$self->{pages_per_slot} = 1 + ceil_div($payload - $first, 8160);
	}
	$self->{slots_per_page} =
	  $self->{pages_per_slot} > 1 ? 1 : int(8120 / $self->{slot_bytes});
	$self->{upper_bytes} = 12 + 4 * $m;
	$self->{uppers_per_page} = int(8160 / $self->{upper_bytes});
	$self->{vector_bytes} = $int8 ? 4 * $d : 0;
	# Behind the metapage, the two places of the code book.
	$self->{book_pages} = $int8 ? ceil_div(4 * $d, 8152) : 0;
	$self->{begin} = 1 + 2 * $self->{book_pages};
	my $elements = 1;
	$elements++ while $self->_pages($elements + 1) <= 64;
	$self->{elements} = $elements;
	$self->{chunk} = $self->_pages($elements);
	$self->{uppers} = $self->{regions}[0] * $self->{uppers_per_page};
	return;
}

# Pages of a chunk of so many elements; leaves the sizes of its regions.
sub _pages
{
	my ($self, $elements) = @_;
	my $u = ceil_div(int($elements * 1.25 / ($self->meta('m') - 1) + 1), $self->{uppers_per_page});
	my $g = ceil_div($elements, $self->{slots_per_page}) * $self->{pages_per_slot};
	my $v = ceil_div($elements * $self->{vector_bytes}, 8160);
	$self->{regions} = [ $u, $g, $v ];
	return $u + $g + $v;
}

sub _get
{
	my ($self, $at, $how) = @_;
	return unpack $how, substr $self->{bytes}, $at, $BYTES{$how};
}

sub _put
{
	my ($self, $at, $how, $value) = @_;
	substr($self->{bytes}, $at, $BYTES{$how}) = pack $how, $value;
	return;
}

# --- the metapage ---

sub meta { my ($self, $name) = @_; return $self->_get(24 + $META{$name}[0], $META{$name}[1]); }

sub set_meta
{
	my ($self, $name, $value) = @_;
	$self->_put(24 + $META{$name}[0], $META{$name}[1], $value);
	return;
}

# The first page of the code book in force, of which there must be one.
sub book_block
{
	my ($self) = @_;
	my $book = $self->meta('book');
	die "$self->{path} has no code book\n" if $book < 2;
	return 1 + $book % 2 * $self->{book_pages};
}

# Fields of the code book in force: its number, and the bits of its first value.
my %BOOK = (number => [ 0, 'v' ], first => [ 8, 'V' ]);
sub set_book
{
	my ($self, $name, $value) = @_;
	$self->_put($self->book_block * PAGE + 24 + $BOOK{$name}[0], $BOOK{$name}[1], $value);
	return;
}

# Makes the pending list consist of these runs, each as [first id, count].
sub set_pending
{
	my ($self, @runs) = @_;
	my $bytes = pack 'V*', map { @$_ } @runs;
	# Behind the page's header and the fields, 160 bytes.
	substr($self->{bytes}, 184, length $bytes) = $bytes;
	$self->set_meta('first_run', 0);
	$self->set_meta('n_runs', scalar @runs);
	$self->set_content_end(0, 184 + length $bytes);
	return;
}

# --- pages ---

sub blocks { my ($self) = @_; return length($self->{bytes}) / PAGE; }

sub zero_page
{
	my ($self, $block) = @_;
	substr($self->{bytes}, $block * PAGE, PAGE) = "\0" x PAGE;
	return;
}

sub truncate_to { my ($self, $blocks) = @_; substr($self->{bytes}, $blocks * PAGE) = ''; return; }
sub set_kind { my ($self, $block, $kind) = @_; $self->_put($block * PAGE + 8188, 'v', $kind); return; }
# pd_lower: where the content of the page ends.
sub set_content_end { my ($self, $block, $end) = @_; $self->_put($block * PAGE + 12, 'v', $end); return; }

# --- slots ---

sub slot_block
{
	my ($self, $id) = @_;
	my ($chunk, $i) = (int($id / $self->{elements}), $id % $self->{elements});
	return $self->{begin} + $chunk * $self->{chunk} + $self->{regions}[0] +
	  int($i / $self->{slots_per_page}) * $self->{pages_per_slot};
}

sub _slot_at
{
	my ($self, $id) = @_;
	my $i = $id % $self->{elements};
	return $self->slot_block($id) * PAGE + 64 + ($i % $self->{slots_per_page}) * $self->{slot_bytes};
}

sub _field
{
	my ($self, $id, $name) = @_;
	my $at = $self->_slot_at($id);
	return ($at + $HEAD{$name}[0], $HEAD{$name}[1]) if $HEAD{$name};
	return ($at + $self->{tail} + $TAIL{$name}[0], $TAIL{$name}[1]);
}

sub slot { my ($self, $id, $name) = @_; return $self->_get($self->_field($id, $name)); }
sub set_slot { my ($self, $id, $name, $value) = @_; $self->_put($self->_field($id, $name), $value); return; }

# Flips bits of a byte of the code's payload.
sub flip_code
{
	my ($self, $id, $byte) = @_;
	my $at = $self->_slot_at($id) + 12 + $byte;
	$self->_put($at, 'C', $self->_get($at, 'C') ^ 0x11);
	return;
}

sub links
{
	my ($self, $id) = @_;
	my $at = $self->_slot_at($id) + $self->{tail} + 48;
	return unpack 'V*', substr $self->{bytes}, $at, 4 * $self->slot($id, 'n_links');
}

sub set_links
{
	my ($self, $id, @links) = @_;
	$self->set_slot($id, 'n_links', scalar @links);
	my $at = $self->_slot_at($id) + $self->{tail} + 48;
	substr($self->{bytes}, $at, 4 * @links) = pack 'V*', @links;
	return;
}

# A heap TID in the slot, as [block, line].
sub tid
{
	my ($self, $id, $i) = @_;
	my ($high, $low, $line) = unpack 'vvv', substr $self->{bytes}, $self->_tid_at($id, $i), 6;
	return [ $high * 65536 + $low, $line ];
}

sub set_tid
{
	my ($self, $id, $i, $tid) = @_;
	substr($self->{bytes}, $self->_tid_at($id, $i), 6) =
	  pack 'vvv', $tid->[0] >> 16, $tid->[0] & 0xFFFF, $tid->[1];
	return;
}

sub _tid_at { my ($self, $id, $i) = @_; return $self->_slot_at($id) + $self->{tail} + 24 + 8 * $i; }

# --- exact vectors, where there are codes ---

sub _vector_at
{
	my ($self, $id, $dimension) = @_;
	my ($chunk, $i) = (int($id / $self->{elements}), $id % $self->{elements});
	my $position = $i * $self->{vector_bytes} + 4 * $dimension;
	my $block = $self->{begin} + $chunk * $self->{chunk} + $self->{regions}[0] + $self->{regions}[1] + int($position / 8160);
	return $block * PAGE + 24 + $position % 8160;
}

sub vector_block { my ($self, $id) = @_; return int($self->_vector_at($id, 0) / PAGE); }

sub set_vector
{
	my ($self, $id, $dimension, $value) = @_;
	substr($self->{bytes}, $self->_vector_at($id, $dimension), 4) = pack 'f<', $value;
	return;
}

# --- upper lists ---

sub upper_block
{
	my ($self, $j) = @_;
	my ($chunk, $i) = (int($j / $self->{uppers}), $j % $self->{uppers});
	return $self->{begin} + $chunk * $self->{chunk} + int($i / $self->{uppers_per_page});
}

sub _upper_at
{
	my ($self, $j) = @_;
	my $i = $j % $self->{uppers} % $self->{uppers_per_page};
	return $self->upper_block($j) * PAGE + 24 + $i * $self->{upper_bytes};
}

sub upper { my ($self, $j, $name) = @_; return $self->_get($self->_upper_at($j) + $UPPER{$name}[0], $UPPER{$name}[1]); }

sub set_upper
{
	my ($self, $j, $name, $value) = @_;
	$self->_put($self->_upper_at($j) + $UPPER{$name}[0], $UPPER{$name}[1], $value);
	return;
}

sub set_upper_link
{
	my ($self, $j, $i, $to) = @_;
	$self->_put($self->_upper_at($j) + 12 + 4 * $i, 'V', $to);
	return;
}

# --- finding something to damage ---

# Ids of the slots for which the condition, called with the id, holds.
sub find
{
	my ($self, $condition) = @_;
	return grep { $condition->($_) } 0 .. $self->meta('next_element') - 1;
}

sub in_state { my ($self, $state) = @_; return $self->find(sub { $self->slot($_[0], 'state') == $state }); }

1;
