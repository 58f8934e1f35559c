// Linking what is pending: the second half of many insertions at once.
#ifndef HNSWPG_STORAGE_LINK_LINK_PENDING_H_
#define HNSWPG_STORAGE_LINK_LINK_PENDING_H_

#include "hnswpg/storage/page/index.h"
#include "hnswpg/storage/page/page_txn.h"

namespace hnswpg {

struct LinkingResult {
  uint32_t linked = 0;    // taken off the pending list: linked, merged, or freed
  bool complete = false;  // nothing is left of what was pending at the call
};

// Links the elements that are pending when it is called: through a graph in memory
// where they are many and maintenance_work_mem has room, else one by one. The
// caller holds RowExclusiveLock on the index; the maintenance lock, the link lock
// and the graph lock are taken and released. Interruptible; what is done stays
// done. Then, if there is a better code book to be had, or codes are being made anew, does
// that as well; `complete` says so of both.
//
// `gives_way`: ends early, within milliseconds (a graph in memory is given up),
// when somebody waits for a lock on the index that conflicts with the caller's.
LinkingResult LinkAllPending(Relation rel, bool gives_way);

// Whether LinkAllPending should be called although nothing is pending: codes should be made
// anew, or are being made.
bool CodesAreDue(const HnswIndex& index, const Meta& meta);

// For an inserter that has left more pending than there should be: links a batch
// one by one, waiting for its turn. False, and nothing done, if somebody links in
// memory meanwhile, which may take long. Takes and releases link lock and graph lock.
bool LinkPendingBatch(Relation rel);

// Links pending elements, oldest first, until `until` is linked. Takes link lock
// and graph lock and releases them, the latter in turns. Interruptible between elements.
void LinkPendingUntil(Relation rel, WriteMode mode, ElementId until);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_LINK_LINK_PENDING_H_
