// A further row for an element that has its vector already: what an UPDATE makes that leaves the
// vector alone.
#ifndef HNSWPG_STORAGE_INSERT_EQUAL_ELEMENT_H_
#define HNSWPG_STORAGE_INSERT_EQUAL_ELEMENT_H_

#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// The linked element with exactly this vector (dim floats), if a small search meets it; else
// kNoId. No lock at entry and exit. It may have another life by the time the caller looks.
// Memory in the current context. Raises what reading an index and what an interrupt raises.
ElementId FindEqualElement(const HnswIndex& index, const void* vector);

// Gives the heap TID to that element, if it is linked still, has the vector and has room for a
// TID: one record. Takes the graph lock, if it can be had at once, and releases it. False, and
// nothing done, if anything of that is not so.
bool AppendTid(const HnswIndex& index, ElementId id, const void* vector, ItemPointer tid);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_INSERT_EQUAL_ELEMENT_H_
