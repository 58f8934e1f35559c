// An index as storage sees it: the relation, what its metapage says, and the
// layout and code space computed from that.
#ifndef HNSWPG_STORAGE_PAGE_INDEX_H_
#define HNSWPG_STORAGE_PAGE_INDEX_H_

#include "hnswpg/core/format/layout.h"
#include "hnswpg/core/format/metapage.h"
#include "hnswpg/core/memory/arena.h"
#include "hnswpg/core/memory/visited.h"
#include "hnswpg/core/space/code.h"
#include "hnswpg/postgres/server.h"
#include "hnswpg/storage/page/page.h"

namespace hnswpg {

inline constexpr BlockNumber kMetaBlock = 0;

inline constexpr uint16_t kNoBook = 0;
inline constexpr uint16_t kOriginBook = 1;

// What an index is created with.
struct IndexParameters {
  uint32_t dim;
  int m;
  int ef_construction;
  Representation representation;
  Metric metric;
  Quantization quantization;
  bool automatic;  // chosen by the index
  uint16_t book;   // in force
  SpaceKind kind() const { return {representation, metric, quantization}; }
  bool operator==(const IndexParameters&) const = default;
};

// What follows from the parameters.
struct IndexShape {
  IndexParameters parameters;
  CodeSpace space;
  ElementLayout layout;
};

// The code's book is the one in force, and it tells the element from its neighbours: the
// code is what distances are measured by. (Without codes every element has book 0.)
inline bool IsCoded(const IndexShape& shape, uint16_t book) {
  return book == shape.parameters.book;
}

struct HnswIndex : IndexShape {
  Relation rel;
  Meta meta;  // as of OpenIndex; counts and ends of lists move on
};

// `centre`: of the book in force; null: the origin, or where nothing is encoded.
inline IndexShape ShapeOf(const IndexParameters& p, const float* centre = nullptr) {
  const CodeSpace space(p.kind(), p.dim, centre);
  return {p, space, ElementLayout(space.footprint(), p.m)};
}

// Fills a metapage for an empty index.
void InitMetaPage(Page page, const IndexParameters& parameters);

// Reads the metapage under a share lock and checks it. Raises
// ERRCODE_INDEX_CORRUPTED for a damaged one, ERRCODE_FEATURE_NOT_SUPPORTED for a
// format version that this code does not know. No lock held at entry or exit.
HnswIndex OpenIndex(Relation rel);

// The same where the code book may be damaged: it is not read, so nothing can be encoded
// and no distance be measured by codes.
HnswIndex OpenWithoutCentre(Relation rel);

// The current contents of the metapage; share lock taken and released.
Meta ReadMeta(const HnswIndex& index);

// The same for code that has the metapage locked already; the page may be the
// working copy of a WAL record.
inline Meta* MetaOf(Page page) { return reinterpret_cast<Meta*>(PageGetContents(page)); }

// Extends the relation with empty pages until `block` exists, and then by up to a
// 32nd, 63 pages at most, for those who come next. Takes and releases the extension
// lock. Raises what writing to disk raises.
void EnsureBlock(Relation rel, BlockNumber block);

// For the walks of whoever changes a graph, which are over before the next begins: a
// session has one.
VisitedBits* WriterVisited();

// Memory for core's containers, from a memory context; raises when it is short.
Arena ContextArena(MemoryContext context);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_INDEX_H_
