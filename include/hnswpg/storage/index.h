// An index as storage sees it: the relation, what its metapage says, and the
// layout and code space computed from that.
#ifndef HNSWPG_STORAGE_INDEX_H_
#define HNSWPG_STORAGE_INDEX_H_

#include "hnswpg/core/code.h"
#include "hnswpg/core/layout.h"
#include "hnswpg/core/pod.h"
#include "hnswpg/core/visited.h"
#include "hnswpg/storage/page.h"
#include "hnswpg/storage/server.h"

namespace hnswpg {

inline constexpr BlockNumber kMetaBlock = 0;
inline constexpr uint32_t kMetaMagic = 0x57534E48;  // "HNSW"
inline constexpr uint32_t kFormatVersion = 3;

// The metapage, behind the page header. Guarded by the metapage's content lock.
struct Meta {
  uint32_t magic;
  uint32_t version;
  // Fixed when the index is created; they determine the layout.
  uint32_t dim;
  uint16_t m;
  uint16_t ef_construction;
  uint8_t metric;
  uint8_t quantization;
  uint8_t automatic;  // the quantization was chosen by the index, for its data
  uint8_t unused;
  // The graph; changed by the graph writer alone.
  ElementId entry;  // kNoId: nothing is linked
  uint32_t entry_level;
  // Slots. Ids at or above next_* were never used.
  uint32_t next_element;
  uint32_t next_upper;
  ElementId free_elements;  // head of the free list
  UpperId free_uppers;
  // The elements not yet linked: runs [first_run, first_run + n_runs) of the array
  // behind this struct (hnswpg/storage/pending.h).
  uint16_t first_run;
  uint16_t n_runs;
  // Counts of slots by state.
  uint32_t n_pending;
  uint32_t n_linked;
  uint32_t n_dead;
  uint32_t n_tid_slots;
  uint32_t n_free;
  uint32_t n_free_uppers;
  uint64_t n_tids;    // heap TIDs in the index, those of pending elements too
  int64_t last_sync;  // when an element was linked last, a TimestampTz; 0: never
  // Times that cleanup has moved elements in the tree of parents, modulo 2^32: a walk
  // during which it has not changed has missed nothing for that reason.
  uint32_t n_reroutings;
  // What a reader has to know of beyond this version, or must not go on: bits, none yet.
  uint32_t features;
  // What an element takes (hnswpg/core/layout.h), and of what else a slot may have one
  // day: bytes beside each heap TID, and behind the neighbours. Those are 0.
  uint32_t payload_bytes;
  uint32_t exact_bytes;
  uint32_t book_bytes;
  uint16_t tid_bytes;
  uint16_t node_bytes;
  // The code book in force: 0 without codes, 1 the origin, which is not stored, else it
  // is in place `book % 2`.
  uint16_t book;
  uint16_t unused2;
  // Linked since the book was learnt (or ever) as elements to be measured exactly; and
  // how many were linked in all when it was.
  uint32_t n_exact;
  uint32_t n_when_learnt;
  uint32_t unused3[9];
};
static_assert(sizeof(Meta) == 160);

inline constexpr uint16_t kNoBook = 0;
inline constexpr uint16_t kOriginBook = 1;

// What an index is created with.
struct IndexParameters {
  uint32_t dim;
  int m;
  int ef_construction;
  Metric metric;
  Quantization quantization;
  bool automatic;  // chosen by the index
  uint16_t book;   // in force
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

struct Index : IndexShape {
  Relation rel;
  Meta meta;  // as of OpenIndex; counts and ends of lists move on
};

// What an element takes in the file.
inline Footprint FootprintOf(const IndexParameters& p) {
  return CodeSpace(p.metric, p.quantization, p.dim).footprint();
}

// Fills a metapage for an empty index.
void InitMetaPage(Page page, const IndexParameters& parameters);

// Reads the metapage under a share lock and checks it. Raises
// ERRCODE_INDEX_CORRUPTED for a damaged one, ERRCODE_FEATURE_NOT_SUPPORTED for a
// format version that this code does not know. No lock held at entry or exit.
Index OpenIndex(Relation rel);

// The current contents of the metapage; share lock taken and released.
Meta ReadMeta(const Index& index);

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

#endif  // HNSWPG_STORAGE_INDEX_H_
