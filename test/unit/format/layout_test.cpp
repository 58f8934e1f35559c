// The arithmetic of the file: everything has a place of its own, and places that
// are read back from block numbers agree with those computed from ids.
#include "hnswpg/core/format/layout.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <utility>
#include <vector>

#include "hnswpg/core/format/element.h"

namespace hnswpg {
namespace {

struct Shape {
  Quantization quantization;
  uint32_t dim;
  int m;
};

Shape AnyShape() {
  const auto quantization = GENERATE(Quantization::kInt8, Quantization::kNone);
  const uint32_t dim =
      GENERATE(1u, 3u, 31u, 100u, 128u, 768u, 1999u, 2000u, 2041u, 7884u, 7945u, 8000u, 16000u);
  const int m = GENERATE(2, 3, 16, 47, 100);
  return {quantization, dim, m};
}

ElementLayout LayoutOf(const Shape& shape) {
  return ElementLayout(CodeSpace(Metric::kL2, shape.quantization, shape.dim).footprint(), shape.m);
}

// Marks bytes of a file, and fails where one is marked twice or is not content.
class Claims {
 public:
  void Add(Piece piece) {
    REQUIRE(piece.bytes > 0);
    REQUIRE(piece.offset >= kPageHeaderBytes);
    REQUIRE(piece.offset + piece.bytes <= kContentEnd);
    runs_.push_back({uint64_t{piece.block} * kPageBytes + piece.offset, piece.bytes});
  }
  void RequireDisjoint() {
    std::sort(runs_.begin(), runs_.end());
    for (size_t i = 1; i < runs_.size(); i++) {
      REQUIRE(runs_[i - 1].first + runs_[i - 1].second <= runs_[i].first);
    }
  }

 private:
  std::vector<std::pair<uint64_t, uint64_t>> runs_;
};

uint32_t ClaimVector(const ElementLayout& layout, ElementId id, Claims* claims) {
  uint32_t done = 0;
  while (done < layout.vector_bytes()) {
    const Piece piece = layout.VectorPiece(id, done);
    REQUIRE(layout.KindOf(piece.block) == PageKind::kVector);
    claims->Add(piece);
    done += piece.bytes;
  }
  return done;
}

uint32_t ClaimSlot(const ElementLayout& layout, ElementId id, Claims* claims) {
  claims->Add({layout.SlotBlock(id), layout.SlotOffset(id), layout.slot_bytes()});
  uint32_t payload = layout.PayloadPiece(id, 0).bytes;
  for (uint32_t i = 1; i < layout.payload_pieces(); i++) {
    const Piece piece = layout.PayloadPiece(id, i);
    REQUIRE(layout.KindOf(piece.block) == PageKind::kGraph);
    claims->Add(piece);
    payload += piece.bytes;
  }
  return payload;
}

TEST_CASE("no two parts of an index share a byte", "[layout]") {
  const Shape shape = AnyShape();
  CAPTURE(static_cast<int>(shape.quantization), shape.dim, shape.m);
  const ElementLayout layout = LayoutOf(shape);
  const bool int8 = shape.quantization == Quantization::kInt8;
  Claims claims;
  const uint32_t elements = std::min(2 * layout.elements_per_chunk() + 3, 400u);
  for (uint32_t i = 0; i < elements; i++) {
    // The first chunk and, across its end, the second.
    const ElementId id = i < elements / 2 ? i : layout.elements_per_chunk() + i - elements / 2;
    if (i >= elements / 2 && layout.elements_per_chunk() < elements / 2) break;
    REQUIRE(ClaimVector(layout, id, &claims) == (int8 ? 4 * shape.dim : 0));
    REQUIRE(ClaimSlot(layout, id, &claims) == (int8 ? 1 : 4) * shape.dim);
  }
  for (uint32_t place = 0; place < 2; place++) {
    for (uint32_t done = 0; done < layout.book_bytes();) {
      const Piece piece = layout.BookPiece(place, done);
      REQUIRE(layout.KindOf(piece.block) == PageKind::kBook);
      claims.Add(piece);
      done += piece.bytes;
    }
  }
  const uint32_t uppers = std::min(2 * layout.uppers_per_chunk(), 300u);
  for (UpperId id = 0; id < uppers; id++) {
    REQUIRE(layout.KindOf(layout.UpperBlock(id)) == PageKind::kUpper);
    claims.Add({layout.UpperBlock(id), layout.UpperOffset(id), layout.upper_bytes()});
  }
  claims.RequireDisjoint();
}

TEST_CASE("the parts of a slot fit into it, one behind another", "[layout]") {
  const Shape shape = AnyShape();
  CAPTURE(static_cast<int>(shape.quantization), shape.dim, shape.m);
  const ElementLayout layout = LayoutOf(shape);
  const Piece payload = layout.PayloadPiece(0, 0);
  REQUIRE(payload.offset == layout.SlotOffset(0) + sizeof(ElementHead));
  REQUIRE(sizeof(ElementHead) + payload.bytes <= layout.tail_offset());
  REQUIRE(layout.tail_offset() % 4 == 0);
  REQUIRE(layout.links_offset() == layout.tail_offset() + sizeof(ElementTail));
  REQUIRE(layout.links_offset() + layout.max_links(0) * sizeof(ElementId) <= layout.slot_bytes());
  REQUIRE(layout.tids_capacity() > static_cast<uint32_t>(kInlineTids));
  const uint32_t tids_end = layout.tids_offset() + layout.tids_capacity() * sizeof(TidEntry);
  REQUIRE(tids_end <= layout.slot_bytes());
  // A container keeps head and tail.
  REQUIRE((tids_end <= layout.tail_offset() || layout.tids_offset() >= layout.links_offset()));
  REQUIRE(layout.tids_offset() >= sizeof(ElementHead));
}

TEST_CASE("a chunk holds what it offers and no more", "[layout]") {
  const Shape shape = AnyShape();
  CAPTURE(static_cast<int>(shape.quantization), shape.dim, shape.m);
  const ElementLayout layout = LayoutOf(shape);
  const uint32_t elements = layout.elements_per_chunk();
  const uint32_t uppers = layout.uppers_per_chunk();
  const uint32_t begin = 1 + 2 * layout.book_pages();
  const uint32_t end = begin + layout.pages_per_chunk();
  REQUIRE(layout.BlocksFor(0, 0) == begin);
  REQUIRE(layout.BlocksFor(elements, uppers) == end);
  REQUIRE(layout.BlocksFor(elements + 1, 0) == end + layout.pages_per_chunk());
  REQUIRE(layout.BlocksFor(0, uppers + 1) == end + layout.pages_per_chunk());
  REQUIRE(layout.SlotBlock(elements - 1) + layout.pages_per_slot() - 1 < end);
  REQUIRE(layout.SlotBlock(elements) > end);
  REQUIRE(layout.UpperBlock(uppers - 1) < end);
  REQUIRE(layout.UpperBlock(uppers) == end);
  if (elements > 1) REQUIRE(layout.pages_per_chunk() <= 64);
}

TEST_CASE("elements are found from their page", "[layout]") {
  const Shape shape = AnyShape();
  CAPTURE(static_cast<int>(shape.quantization), shape.dim, shape.m);
  const ElementLayout layout = LayoutOf(shape);
  const ElementId end = std::min(3 * layout.elements_per_chunk(), 5000u);
  for (ElementId id = 0; id < end; id++) {
    const uint32_t block = layout.SlotBlock(id);
    REQUIRE(layout.KindOf(block) == PageKind::kGraph);
    const ElementId first = layout.FirstElementOn(block);
    REQUIRE(first <= id);
    REQUIRE(id < first + layout.ElementsOn(block));
    REQUIRE(layout.SlotBlock(first) == block);
  }
  // The last page of a chunk may have room for more than the chunk has elements.
  const ElementId last = layout.elements_per_chunk() - 1;
  const uint32_t block = layout.SlotBlock(last);
  REQUIRE(layout.FirstElementOn(block) + layout.ElementsOn(block) - 1 == last);
}

TEST_CASE("blocks of a kind are counted for a file of any length", "[layout]") {
  const Shape shape = AnyShape();
  const ElementLayout layout = LayoutOf(shape);
  const PageKind kinds[] = {PageKind::kUpper, PageKind::kGraph, PageKind::kVector};
  uint32_t counts[3] = {0, 0, 0};
  for (const PageKind kind : kinds) {
    REQUIRE(layout.BlocksOf(kind, 0) == 0);
    REQUIRE(layout.BlocksOf(kind, 1) == 0);
  }
  for (uint32_t block = 1; block <= 3 * layout.pages_per_chunk() + 1; block++) {
    for (int i = 0; i < 3; i++) {
      counts[i] += layout.KindOf(block) == kinds[i];
      REQUIRE(layout.BlocksOf(kinds[i], block + 1) == counts[i]);
    }
  }
  REQUIRE(layout.BlocksOf(PageKind::kMeta, 0) == 0);
  REQUIRE(layout.BlocksOf(PageKind::kMeta, 1) == 1);
  REQUIRE(layout.BlocksOf(PageKind::kMeta, 2) == 1);
}

TEST_CASE("division by multiplication is exact", "[layout]") {
  const uint32_t divisor = GENERATE(1u, 2u, 3u, 7u, 25u, 124u, 605u, 641u, 65535u, 65536u,
                                    0x7FFFFFFFu, 0xFFFFFFFEu, 0xFFFFFFFFu);
  const FastDivisor fast(divisor);
  REQUIRE(fast.value() == divisor);
  for (uint64_t multiple = 0; multiple <= 0xFFFFFFFFu;
       multiple += std::max<uint64_t>(divisor, (0xFFFFFFFFu / 5000 / divisor) * divisor)) {
    for (int64_t near = -2; near <= 2; near++) {
      const int64_t n = static_cast<int64_t>(multiple) + near;
      if (n < 0 || n > 0xFFFFFFFFll) continue;
      REQUIRE(fast.Quotient(static_cast<uint32_t>(n)) == static_cast<uint32_t>(n) / divisor);
    }
  }
  REQUIRE(fast.Quotient(0xFFFFFFFFu) == 0xFFFFFFFFu / divisor);
}

}  // namespace
}  // namespace hnswpg
