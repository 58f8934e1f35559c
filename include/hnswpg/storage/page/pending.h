// The list of elements that are written and not yet linked: a queue, first in,
// first out, in the metapage, as runs of consecutive ids. Slots never used have
// consecutive ids, so an insertion usually makes the last run longer.
#ifndef HNSWPG_STORAGE_PAGE_PENDING_H_
#define HNSWPG_STORAGE_PAGE_PENDING_H_

#include "hnswpg/core/format/pending_runs.h"
#include "hnswpg/core/memory/pod_vector.h"
#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// ---- on the metapage, which the caller has locked (or its working copy) ----

inline PendingRun* RunsOf(Page page) {
  return reinterpret_cast<PendingRun*>(reinterpret_cast<char*>(page) + kRunsOffset) +
         MetaOf(page)->first_run;
}
// The oldest pending element, kNoId if there is none.
ElementId OldestPending(Page page);
// Whether a further run may be begun. If not, only the id behind the last run can
// be appended: one room is kept, so that a slot never used always can be.
bool HasRoomForRun(const Meta& meta);
void AppendPending(Page page, ElementId id);
// `id` is the oldest. Its removal from the list.
void PopPending(Page page, ElementId id);

// ---- for everyone ----

// The metapage's fields, and the oldest pending element (kNoId if there is none).
// Share lock on the metapage, taken and released.
Meta ReadMetaAndOldest(const HnswIndex& index, ElementId* oldest);

// Appends the runs of the elements that are pending now, oldest first, and returns the
// metapage's fields as they were then. Share lock on the metapage, taken and released.
// An element may be linked, or merged into an equal one, at any time after that.
Meta ReadPendingRuns(const HnswIndex& index, PodVector<PendingRun>* runs);
// The same, as ids.
void ReadPending(const HnswIndex& index, PodVector<ElementId>* ids);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_PENDING_H_
