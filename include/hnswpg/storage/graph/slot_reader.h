// Reading elements for certain: under the share lock of their page.
#ifndef HNSWPG_STORAGE_GRAPH_SLOT_READER_H_
#define HNSWPG_STORAGE_GRAPH_SLOT_READER_H_

#include <cmath>
#include <limits>

#include "hnswpg/core/format/element.h"
#include "hnswpg/core/walk/walk.h"
#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// A slot's fixed parts and its level-0 links.
struct SlotCopy {
  ElementHead head;
  ElementTail tail;
  ElementId links[kMaxLinks];
  bool HasLink(ElementId id) const;
};

// Where a heap TID was read, so that it can be marked as killed later.
struct TidRef {
  ItemPointerData tid;
  ElementId slot;    // the element or TID container that holds it
  uint32_t version;  // of that slot
};

// Raises ERRCODE_INDEX_CORRUPTED unless the file holds the slot: to be asked before an id that
// was read is followed. An id that is damaged may be one whose block has no number: computed,
// that wraps around to the page of another slot. So the file's length is asked, for ids that
// are newer than `index` or wrong. (Not the metapage, which the caller may have locked.)
void CheckLiesInFile(const HnswIndex& index, ElementId id);

// Copies slot `id`; `code` (may be null) gets its code, contiguous, code_bytes()
// long. Share lock on the slot's page, and on the further pages of a wide
// element, taken and released. Raises ERRCODE_INDEX_CORRUPTED if the slot is
// impossible.
void ReadSlot(const HnswIndex& index, ElementId id, SlotCopy* copy, void* code);

// Copies the exact vector, dim floats. The vector of an element never changes
// while the element lives, and its life cannot end while the slot's page is
// locked: the caller holds that lock, or the graph lock.
void ReadVector(const HnswIndex& index, ElementId id, void* out);

// How an element looked to the walk: the query's code, and the distance measured, or
// PendingDistance of it.
struct Walked {
  const void* code;
  float distance;
};

// What a pending element's distance counts as: just less than that of an equal
// element in the graph, so that it is read before that one. (Its row may move there
// at any time; whoever reads in this order sees the row.)
inline float PendingDistance(float distance) {
  return std::nextafter(distance, -std::numeric_limits<float>::infinity());
}

// How an element is to be read.
struct Reading {
  const void* query;    // its exact distance is wanted to this; null: none is
  const Walked* walked;  // only if it is what the walk measured: a slot may have been
                         // given to another element since then; null: whatever it is
  bool skip_killed;      // leaves out heap TIDs that are known to be dead
  void* scratch;        // room for a vector
};

// What it is now.
struct ElementRead {
  float distance;    // where one was wanted; else 0
  uint32_t version;  // of the slot
  bool changed;      // an element is there, but not as it was walked
};

// Reads a linked or pending element as it is now: appends its heap TIDs, each once. False
// (and nothing appended) if the slot holds no such element. The TIDs in containers are
// read after the slot's lock is released; that is harmless (src/storage/search/README.md, "What
// a scan may return"). Raises ERRCODE_INDEX_CORRUPTED.
bool ReadElement(const HnswIndex& index, ElementId id, const Reading& reading,
                 PodVector<TidRef>* tids, ElementRead* now);

// Tells the cache that the element's code will be read, from a pinned page. Reads nothing.
void PrefetchCode(const HnswIndex& index, ElementId id);

// Starts to fetch into the CPU's cache what ReadElement will read. A hint; raises
// nothing, reads nothing from disk.
void PrefetchElement(const HnswIndex& index, ElementId id);

// Tells when a chain of slots leads back into itself. Remembers one slot, another each
// time twice as many have been passed (Brent, "An improved Monte Carlo factorization
// algorithm", 1980), so it needs no memory.
class CircleDetector {
 public:
  // Whether `id`, the next of the chain, has been passed before, as far as known.
  bool Met(ElementId id) {
    if (id == mark_) return true;
    if (++passed_ == until_) {
      mark_ = id;
      passed_ = 0;
      until_ *= 2;
    }
    return false;
  }

 private:
  ElementId mark_ = kNoId;
  uint64_t passed_ = 0;
  uint64_t until_ = 1;
};

// Raises ERRCODE_INDEX_CORRUPTED unless slot `id` exists: to be asked before a
// container of element `owner` is read. No lock at entry and exit.
void CheckContainerExists(const HnswIndex& index, ElementId owner, ElementId id);

// ReadSlot of the TID container `id` of element `owner`, which something is to be written to. For
// holders of the graph lock: raises ERRCODE_INDEX_CORRUPTED if it is not such a container.
void ReadContainerSlot(const HnswIndex& index, ElementId owner, ElementId id, SlotCopy* copy);

// Copies the entries of the TID container `id` of element `owner`
// (tids_capacity() at most); returns the next container, or kNoId. For holders of
// the graph lock: raises ERRCODE_INDEX_CORRUPTED if it is not such a container.
ElementId ReadContainer(const HnswIndex& index, ElementId owner, ElementId id, TidEntry* entries,
                        int* n);

inline ItemPointerData TidOf(const TidEntry& entry) {
  ItemPointerData tid;
  memcpy(&tid, &entry, sizeof(tid));
  return tid;
}
inline TidEntry EntryOf(ItemPointer tid) {
  TidEntry entry{};
  memcpy(&entry, tid, sizeof(*tid));
  return entry;
}

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_GRAPH_SLOT_READER_H_
