#include "hnswpg/core/format/layout.h"

#include <algorithm>
#include <utility>

#include "hnswpg/core/format/element.h"

namespace hnswpg {
namespace {

// A chunk has at most about this many pages: large enough that the rounding of
// its three regions to whole pages costs little, small enough that a small
// table's index stays small.
constexpr uint32_t kTargetChunkPages = 64;

// Upper slots a chunk offers beyond the expected number. When they run out all
// the same, the next chunk's are used before its elements are.
constexpr double kUpperSlack = 1.25;

constexpr uint32_t kPlainContent = kContentEnd - kPageHeaderBytes;
constexpr uint32_t kBookContent = kPlainContent - sizeof(BookHead);
constexpr uint32_t kSlotContent = kContentEnd - kSlotsBegin;

uint32_t RoundUp(uint32_t n, uint32_t unit) { return (n + unit - 1) / unit * unit; }
uint32_t DivideUp(uint64_t n, uint32_t unit) {
  return static_cast<uint32_t>((n + unit - 1) / unit);
}

}  // namespace

ElementLayout::ElementLayout(const Footprint& footprint, int m)
    : m_(m),
      book_bytes_(footprint.book_bytes),
      book_pages_(DivideUp(footprint.book_bytes, kBookContent)),
      first_chunk_(1 + 2 * book_pages_),
      payload_bytes_(footprint.payload_bytes),
      vector_bytes_(footprint.exact_bytes) {
  ComputeSlot();
  upper_bytes_ = sizeof(UpperHead) + m * sizeof(ElementId);
  uppers_per_page_ = kPlainContent / upper_bytes_;
  ComputeChunk();
}

void ElementLayout::ComputeSlot() {
  const uint32_t behind = sizeof(ElementTail) + 2 * m_ * sizeof(ElementId);
  const uint32_t whole = RoundUp(sizeof(ElementHead) + payload_bytes_, 4) + behind;
  if (whole <= kSlotContent) {
    first_payload_ = payload_bytes_;
    slot_bytes_ = std::min(RoundUp(whole, kSlotAlign), kSlotContent);
    slots_per_page_ = FastDivisor(kSlotContent / slot_bytes_);
    pages_per_slot_ = 1;
  } else {
    first_payload_ = (kSlotContent - sizeof(ElementHead) - behind) & ~3u;
    slot_bytes_ = kSlotContent;
    slots_per_page_ = FastDivisor(1);
    pages_per_slot_ = 1 + DivideUp(payload_bytes_ - first_payload_, kPlainContent);
  }
  tail_offset_ = RoundUp(sizeof(ElementHead) + first_payload_, 4);
  links_offset_ = tail_offset_ + sizeof(ElementTail);

  // A container's entries lie where an element has its payload or its links,
  // whichever is the larger.
  const uint32_t before = tail_offset_ - sizeof(ElementHead);
  const uint32_t after = slot_bytes_ - links_offset_;
  tids_offset_ = before > after ? static_cast<uint32_t>(sizeof(ElementHead)) : links_offset_;
  tids_capacity_ = std::max(before, after) / sizeof(TidEntry);
}

void ElementLayout::SizeChunk(uint32_t elements) {
  // The expected number of upper lists an element has: levels are drawn with
  // P(level >= l) = m^-l (Malkov and Yashunin, 2016, with mL = 1 / ln m).
  const double uppers = elements * kUpperSlack / (m_ - 1) + 1;
  upper_pages_ = DivideUp(static_cast<uint64_t>(uppers), uppers_per_page_);
  graph_pages_ = DivideUp(elements, slots_per_page()) * pages_per_slot_;
  vector_pages_ = DivideUp(static_cast<uint64_t>(elements) * vector_bytes_, kPlainContent);
}

void ElementLayout::ComputeChunk() {
  // The most elements that fit, by bisection: the number of pages never falls
  // when elements are added. One element always fits, whatever its size.
  uint32_t fits = 1;
  uint32_t too_many = kTargetChunkPages * slots_per_page();
  while (too_many - fits > 1) {
    const uint32_t middle = fits + (too_many - fits) / 2;
    SizeChunk(middle);
    (pages_per_chunk() <= kTargetChunkPages ? fits : too_many) = middle;
  }
  SizeChunk(fits);
  elements_per_chunk_ = FastDivisor(fits);
  uppers_per_chunk_ = FastDivisor(upper_pages_ * uppers_per_page_);
}

uint32_t ElementLayout::SlotBlock(ElementId id) const {
  uint32_t block, offset;
  Locate(id, &block, &offset);
  return block;
}

uint32_t ElementLayout::SlotOffset(ElementId id) const {
  uint32_t block, offset;
  Locate(id, &block, &offset);
  return offset;
}

Piece ElementLayout::PayloadPiece(ElementId id, uint32_t i) const {
  Piece piece;
  Locate(id, &piece.block, &piece.offset);
  if (i == 0) {
    piece.offset += sizeof(ElementHead);
    piece.bytes = first_payload_;
    return piece;
  }
  const uint32_t done = first_payload_ + (i - 1) * kPlainContent;
  return {piece.block + i, kPageHeaderBytes, std::min(payload_bytes_ - done, kPlainContent)};
}

Piece ElementLayout::VectorPiece(ElementId id, uint32_t done) const {
  const uint32_t chunk = elements_per_chunk_.Quotient(id);
  const uint32_t within = id - chunk * elements_per_chunk_.value();
  // At most kTargetChunkPages pages, or one element: far from overflow.
  const uint32_t position = within * vector_bytes_ + done;
  const uint32_t on_page = position % kPlainContent;
  return {ChunkBegin(chunk) + upper_pages_ + graph_pages_ + position / kPlainContent,
          kPageHeaderBytes + on_page, std::min(vector_bytes_ - done, kPlainContent - on_page)};
}

Piece ElementLayout::BookPiece(uint32_t place, uint32_t done) const {
  const uint32_t on_page = done % kBookContent;
  return {1 + place * book_pages_ + done / kBookContent,
          static_cast<uint32_t>(kPageHeaderBytes + sizeof(BookHead)) + on_page,
          std::min(book_bytes_ - done, kBookContent - on_page)};
}

uint32_t ElementLayout::UpperBlock(UpperId id) const {
  const uint32_t chunk = uppers_per_chunk_.Quotient(id);
  const uint32_t within = id - chunk * uppers_per_chunk_.value();
  return ChunkBegin(chunk) + within / uppers_per_page_;
}

uint32_t ElementLayout::UpperOffset(UpperId id) const {
  const uint32_t within = id - uppers_per_chunk_.Quotient(id) * uppers_per_chunk_.value();
  return kPageHeaderBytes + within % uppers_per_page_ * upper_bytes_;
}

uint32_t ElementLayout::BlocksFor(uint32_t elements, uint32_t uppers) const {
  const uint64_t chunks =
      std::max(DivideUp(elements, elements_per_chunk()), DivideUp(uppers, uppers_per_chunk()));
  return static_cast<uint32_t>(
      std::min<uint64_t>(first_chunk_ + chunks * pages_per_chunk(), UINT32_MAX));
}

PageKind ElementLayout::KindOf(uint32_t block) const {
  if (block < first_chunk_) return PageKind::kBook;
  const uint32_t within = (block - first_chunk_) % pages_per_chunk();
  if (within < upper_pages_) return PageKind::kUpper;
  return within < upper_pages_ + graph_pages_ ? PageKind::kGraph : PageKind::kVector;
}

uint32_t ElementLayout::BlocksOf(PageKind kind, uint32_t blocks) const {
  if (blocks == 0) return 0;
  if (kind == PageKind::kMeta) return 1;
  if (kind == PageKind::kBook) return std::min(blocks, first_chunk_) - 1;
  if (blocks <= first_chunk_) return 0;
  // The kind's pages are [begin, end) of each chunk.
  uint32_t begin = 0;
  uint32_t end = upper_pages_;
  if (kind != PageKind::kUpper) begin = std::exchange(end, end + graph_pages_);
  if (kind == PageKind::kVector) begin = std::exchange(end, end + vector_pages_);
  const uint32_t chunks = (blocks - first_chunk_) / pages_per_chunk();
  const uint32_t rest = (blocks - first_chunk_) % pages_per_chunk();
  return chunks * (end - begin) + std::clamp(rest, begin, end) - begin;
}

ElementId ElementLayout::FirstElementOn(uint32_t graph_block) const {
  const uint32_t chunk = (graph_block - first_chunk_) / pages_per_chunk();
  const uint32_t page = (graph_block - ChunkBegin(chunk) - upper_pages_) / pages_per_slot_;
  return chunk * elements_per_chunk() + page * slots_per_page();
}

uint32_t ElementLayout::ElementsOn(uint32_t graph_block) const {
  const ElementId first = FirstElementOn(graph_block);
  const uint32_t within = first - elements_per_chunk_.Quotient(first) * elements_per_chunk();
  return std::min(slots_per_page(), elements_per_chunk() - within);
}

}  // namespace hnswpg
