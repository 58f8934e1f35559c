// Removing rows: VACUUM's two halves. src/storage/README.md, "VACUUM", has the
// argument; each function is one step of it.
#ifndef HNSWPG_STORAGE_VACUUM_H_
#define HNSWPG_STORAGE_VACUUM_H_

#include "hnswpg/storage/index.h"

namespace hnswpg {

struct VacuumCounts {
  double tids_left = 0;
  double tids_removed = 0;
};

// Asks `is_dead` about every heap TID in the index, removes the dead ones, and
// marks elements without any as dead. One pass over the graph pages in the order
// of their blocks, with the given buffer access strategy. The graph lock is held
// by the caller, and yielded between pages; what was pending when VACUUM began is
// linked.
VacuumCounts MarkDead(const Index& index, BufferAccessStrategy strategy,
                      bool (*is_dead)(ItemPointer tid, void* arg), void* arg);

// Takes dead elements out of the graph and frees their slots: new parents for
// the children of the dead, then new neighbours for all that link to them, then
// the slots. Takes the graph lock, and yields it while it mends; no lock at entry
// and exit. The caller's lock on the table keeps other vacuums out. Interruptible; what
// is done stays done, and the next call does the rest. Returns the slots freed.
uint32_t RemoveDead(const Index& index);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_VACUUM_H_
