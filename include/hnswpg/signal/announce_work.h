// How a session tells the background worker that an index has work for it.
#ifndef HNSWPG_SIGNAL_ANNOUNCE_WORK_H_
#define HNSWPG_SIGNAL_ANNOUNCE_WORK_H_

#include "hnswpg/postgres/server.h"

namespace hnswpg {

// hnsw.sync_interval, in seconds; 0: no worker.
extern int sync_interval;

// Says that the index has elements to be linked or removed. Starts this database's
// worker or wakes it: at the first call of a transaction, now and then after that,
// and when the transaction ends, whichever way: what was written stays pending.
// For every row; costs next to nothing except where it wakes. Does nothing where
// there is no worker: for temporary tables, in parallel workers, with
// hnsw.sync_interval = 0, in a server that stands alone or is being upgraded, and
// where shared memory has no room for the registry of workers.
void AnnounceWork(Relation index);

}  // namespace hnswpg

#endif  // HNSWPG_SIGNAL_ANNOUNCE_WORK_H_
