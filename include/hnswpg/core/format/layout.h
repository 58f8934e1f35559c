// Where everything lies: the one place that knows offsets.
//
// ElementLayout is computed from (footprint of an element, m) and answers, by
// arithmetic alone, in which block and at which byte an element's slot, its
// exact vector or an upper-level list lies. src/storage/FORMAT.md describes the
// same format in words; the two change together.
//
// The file is block 0, the metapage, the code book's pages, twice as many as it takes, and
// then chunks of equal size. A chunk is
//   [upper pages][graph pages][vector pages]
// for a fixed number of elements, so an id never needs a look-up to be found,
// and the pages of one element are near each other. Within a chunk, and so for
// any element, the order of blocks is upper < graph < vector: the order in which
// they are locked.
#ifndef HNSWPG_CORE_FORMAT_LAYOUT_H_
#define HNSWPG_CORE_FORMAT_LAYOUT_H_

#include <cstddef>
#include <cstdint>

#include "hnswpg/core/format/page_constants.h"
#include "hnswpg/core/limits.h"
#include "hnswpg/core/space/footprint.h"

namespace hnswpg {

// n / divisor by one multiplication, exact for every 32-bit n (Lemire, Kaser,
// Kurz: Faster remainder by direct computation, 2019).
class FastDivisor {
 public:
  FastDivisor() = default;
  explicit FastDivisor(uint32_t divisor) : divisor_(divisor), magic_(UINT64_MAX / divisor + 1) {}
  uint32_t value() const { return divisor_; }
  uint32_t Quotient(uint32_t n) const {
    if (divisor_ == 1) return n;  // the magic number would not fit
    return static_cast<uint32_t>((static_cast<unsigned __int128>(magic_) * n) >> 64);
  }

 private:
  uint32_t divisor_ = 1;
  uint64_t magic_ = 0;
};

// Begins the content of a page of the code book.
struct BookHead {
  uint16_t number;  // of the book that the page belongs to
  uint16_t unused[3];
};
static_assert(sizeof(BookHead) == 8);

// A run of bytes on one page.
struct Piece {
  uint32_t block;
  uint32_t offset;
  uint32_t bytes;
};

class ElementLayout {
 public:
  ElementLayout() = default;
  ElementLayout(const Footprint& footprint, int m);

  // ---- graph pages: element slots ----
  uint32_t slot_bytes() const { return slot_bytes_; }
  // Slots on a page; 1 where a slot needs several pages.
  uint32_t slots_per_page() const { return slots_per_page_.value(); }
  uint32_t pages_per_slot() const { return pages_per_slot_; }
  uint32_t SlotBlock(ElementId id) const;
  uint32_t SlotOffset(ElementId id) const;
  // Both at once, for the walk.
  void Locate(ElementId id, uint32_t* block, uint32_t* offset) const;

  // Within a slot.
  uint32_t tail_offset() const { return tail_offset_; }
  uint32_t links_offset() const { return links_offset_; }
  int max_links(int level) const { return level == 0 ? 2 * m_ : m_; }
  int m() const { return m_; }
  // A slot used as a TID container (see element.h).
  uint32_t tids_offset() const { return tids_offset_; }
  uint32_t tids_capacity() const { return tids_capacity_; }

  // The code's payload, in order. Piece 0 is in the slot's first page, behind
  // the head; a slot of several pages has one more piece a page.
  uint32_t payload_pieces() const { return pages_per_slot_; }
  Piece PayloadPiece(ElementId id, uint32_t i) const;

  // ---- vector pages: exact vectors, one after another over page borders ----
  bool has_vector_pages() const { return vector_pages_ > 0; }
  uint32_t vector_bytes() const { return vector_bytes_; }
  // The piece of the vector of `id` that begins `done` bytes into it.
  Piece VectorPiece(ElementId id, uint32_t done) const;

  // ---- upper pages: lists of the levels above 0 ----
  uint32_t upper_bytes() const { return upper_bytes_; }
  uint32_t UpperBlock(UpperId id) const;
  uint32_t UpperOffset(UpperId id) const;

  // ---- the code book: a sequence of bytes, on pages that begin with a BookHead ----
  // It has two places, 0 and 1, so that a new one is complete before it counts.
  uint32_t book_bytes() const { return book_bytes_; }
  uint32_t book_pages() const { return book_pages_; }  // of each place
  // The piece that begins `done` bytes into it.
  Piece BookPiece(uint32_t place, uint32_t done) const;

  // ---- chunks ----
  uint32_t elements_per_chunk() const { return elements_per_chunk_.value(); }
  uint32_t uppers_per_chunk() const { return uppers_per_chunk_.value(); }
  uint32_t pages_per_chunk() const { return upper_pages_ + graph_pages_ + vector_pages_; }
  // Blocks of a file that holds `elements` element slots and `uppers` upper
  // slots; saturates at UINT32_MAX.
  uint32_t BlocksFor(uint32_t elements, uint32_t uppers) const;
  // What kind of page a block is, from its number alone. block > 0.
  PageKind KindOf(uint32_t block) const;
  // How many blocks of a file of so many are of this kind.
  uint32_t BlocksOf(PageKind kind, uint32_t blocks) const;
  // The first element whose slot begins on this graph page (the first one of a
  // slot's), and how many do: fewer on a chunk's last page than there is room for.
  ElementId FirstElementOn(uint32_t graph_block) const;
  uint32_t ElementsOn(uint32_t graph_block) const;

 private:
  void ComputeSlot();
  void ComputeChunk();
  void SizeChunk(uint32_t elements);
  uint32_t ChunkBegin(uint32_t chunk) const { return first_chunk_ + chunk * pages_per_chunk(); }

  int m_ = 0;
  uint32_t book_bytes_ = 0;
  uint32_t book_pages_ = 0;
  uint32_t first_chunk_ = 1;  // block
  uint32_t slot_bytes_ = 0;
  FastDivisor slots_per_page_;
  uint32_t pages_per_slot_ = 1;
  uint32_t payload_bytes_ = 0;
  uint32_t first_payload_ = 0;  // payload bytes in the slot's first page
  uint32_t tail_offset_ = 0;
  uint32_t links_offset_ = 0;
  uint32_t tids_offset_ = 0;
  uint32_t tids_capacity_ = 0;
  uint32_t vector_bytes_ = 0;
  uint32_t upper_bytes_ = 0;
  uint32_t uppers_per_page_ = 1;
  FastDivisor elements_per_chunk_;
  FastDivisor uppers_per_chunk_;
  uint32_t upper_pages_ = 0;
  uint32_t graph_pages_ = 0;
  uint32_t vector_pages_ = 0;
};

inline void ElementLayout::Locate(ElementId id, uint32_t* block, uint32_t* offset) const {
  const uint32_t chunk = elements_per_chunk_.Quotient(id);
  const uint32_t within = id - chunk * elements_per_chunk_.value();
  const uint32_t page = slots_per_page_.Quotient(within);
  *block = ChunkBegin(chunk) + upper_pages_ + page * pages_per_slot_;
  *offset = kSlotsBegin + (within - page * slots_per_page_.value()) * slot_bytes_;
}

}  // namespace hnswpg

#endif  // HNSWPG_CORE_FORMAT_LAYOUT_H_
