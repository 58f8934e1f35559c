// The first half of removing rows, VACUUM's own: heap TIDs go, and elements that have
// none left are marked as dead. src/storage/vacuum/README.md, "VACUUM", has the argument.
#ifndef HNSWPG_STORAGE_VACUUM_MARK_H_
#define HNSWPG_STORAGE_VACUUM_MARK_H_

#include "hnswpg/storage/page/index.h"

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
VacuumCounts MarkDead(const HnswIndex& index, BufferAccessStrategy strategy,
                      bool (*is_dead)(ItemPointer tid, void* arg), void* arg);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_VACUUM_MARK_H_
