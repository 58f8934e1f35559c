// Remembering that a heap TID is dead, so that later scans do not visit the heap
// for it.
#ifndef HNSWPG_STORAGE_VACUUM_MARK_KILLED_H_
#define HNSWPG_STORAGE_VACUUM_MARK_KILLED_H_

#include "hnswpg/storage/graph/slot_reader.h"

namespace hnswpg {

// Marks a TID that is dead to every transaction as killed, if its slot's version
// is the one it was read with. One record; exclusive lock on the slot's page,
// taken and released. Not in recovery.
void MarkKilled(const HnswIndex& index, const TidRef& ref);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_VACUUM_MARK_KILLED_H_
