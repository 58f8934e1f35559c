// The worker's work on one index.
#ifndef HNSWPG_WORKER_SERVICE_H_
#define HNSWPG_WORKER_SERVICE_H_

#include "worker/tasks.h"

namespace hnswpg {

// Links what is pending in the task's index, and removes what is dead if that is
// much: in a transaction of its own, which has no snapshot while it lasts. Waits
// for no lock on table or index. An error is caught and reported; the same one
// again, and again, only to those who ask for DEBUG1.
Outcome ServiceIndex(Task* task);

}  // namespace hnswpg

#endif  // HNSWPG_WORKER_SERVICE_H_
