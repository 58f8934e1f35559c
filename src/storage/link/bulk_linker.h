// Linking many pending elements at once: the index's graph is loaded into memory,
// hnswlib adds the elements to it with several threads, and the lists that changed
// are written back.
#ifndef HNSWPG_STORAGE_LINK_BULK_LINKER_H_
#define HNSWPG_STORAGE_LINK_BULK_LINKER_H_

#include "hnswpg/storage/link/link_pending.h"

namespace hnswpg {

// Whether that pays for `n_pending` elements beside those that are linked, and fits
// into maintenance_work_mem.
bool BulkPays(const HnswIndex& index, uint32_t n_pending);

// Links the elements that are pending now. The caller holds the maintenance lock,
// the link lock exclusively and RowExclusiveLock on the index; the graph lock is
// taken for writing, in turns, and released. Interruptible; what is done stays done,
// and LinkPendingUntil can do the rest. `gives_way`: see LinkAllPending.
LinkingResult LinkInMemory(const HnswIndex& index, bool gives_way);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_LINK_BULK_LINKER_H_
