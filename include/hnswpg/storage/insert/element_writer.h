// The first half of an insertion: writing the element, once, into the slot where
// it will stay.
#ifndef HNSWPG_STORAGE_INSERT_ELEMENT_WRITER_H_
#define HNSWPG_STORAGE_INSERT_ELEMENT_WRITER_H_

#include "hnswpg/storage/page/page_txn.h"

namespace hnswpg {

struct Written {
  ElementId id;
  uint32_t n_pending;  // with this one
};

// Takes a free slot, writes vector, code and heap TID, and puts the element at
// the end of the pending list. It can be found by every scan from then on.
//
// No graph lock is needed. Locks: the metapage, exclusively, for the whole time,
// and other pages in ascending order below it. Until the last record, which
// changes metapage and slot together, the slot is free, so a crash or an error
// leaves bytes that nobody looks at. Raises what writing raises, and
// ERRCODE_PROGRAM_LIMIT_EXCEEDED when the index has no more ids.
//
// `vector`: dim finite floats, not all zero for cosine. `equal`: an element that had the same
// vector when the caller looked, so that linking looks there first; or kNoId. Uses the current
// memory context for scratch.
Written WriteElement(const HnswIndex& index, WriteMode mode, const void* vector, ItemPointer tid,
                     ElementId equal = kNoId);

// The level of a new element: P(level >= l) = m^-l.
int RandomLevel(int m);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_INSERT_ELEMENT_WRITER_H_
