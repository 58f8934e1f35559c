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
// marks linked elements without any as dead; a pending one without any stays
// pending, and whoever links it frees it. First what is pending, then one pass over
// the graph pages in the order of their blocks, with the given buffer access
// strategy. Takes the graph lock, and yields it between pages; no lock at entry and
// exit.
VacuumCounts MarkDead(const Index& index, BufferAccessStrategy strategy,
                      bool (*is_dead)(ItemPointer tid, void* arg), void* arg);

struct RemoveResult {
  uint32_t freed = 0;     // slots
  bool complete = false;  // nothing is left of what was dead at the call
};

// Takes dead elements out of the graph and frees their slots: new parents for
// the children of the dead, then new neighbours for all that link to them, then
// the slots. The caller holds RowExclusiveLock on the index; the maintenance lock,
// the link lock (shared) and the graph lock are taken and released, the last one
// yielded while it mends. MarkDead may run beside it: what dies meanwhile is left
// for the next call. Interruptible; what is done stays done, and the next call does
// the rest. `gives_way`: as SyncPending.
RemoveResult RemoveDead(const Index& index, bool gives_way);

// The part of the elements in the graph that is dead, 0 to 1.
double DeadFraction(const Meta& meta);

// Gives free slots at the end of the file back to the file system, if there are many.
// The caller holds RowExclusiveLock on the index. The maintenance lock and, for the cut
// alone, AccessExclusiveLock are taken if they can be had at once, and released; the graph
// lock is taken and released in turns. Interruptible; what is done stays done.
void GiveBackTail(const Index& index);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_VACUUM_H_
