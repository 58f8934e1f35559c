// The second half of removing rows: dead elements are taken out of the graph.
// src/storage/cleanup/README.md, "Cleanup", has the argument.
#ifndef HNSWPG_STORAGE_CLEANUP_CLEANUP_H_
#define HNSWPG_STORAGE_CLEANUP_CLEANUP_H_

#include "hnswpg/storage/page/index.h"

namespace hnswpg {

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
// the rest. `gives_way`: as LinkAllPending.
RemoveResult RemoveDead(Relation rel, bool gives_way);

// The part of the elements in the graph that is dead, 0 to 1.
double DeadFraction(const Meta& meta);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_CLEANUP_CLEANUP_H_
