// The list of elements that are written and not yet linked.
#ifndef HNSWPG_STORAGE_PENDING_H_
#define HNSWPG_STORAGE_PENDING_H_

#include "hnswpg/core/pod.h"
#include "hnswpg/storage/index.h"

namespace hnswpg {

// Appends the ids of the pending elements, each once. An element that was
// pending when the function was entered is in the list, or is linked (or merged
// into an equal element) when it returns. Share locks on metapage and slots, one
// at a time.
void ReadPending(const Index& index, PodVector<ElementId>* ids);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PENDING_H_
