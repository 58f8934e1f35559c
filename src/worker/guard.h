// Errors in a process that has to go on after them.
#ifndef HNSWPG_WORKER_GUARD_H_
#define HNSWPG_WORKER_GUARD_H_

#include "hnswpg/postgres/server.h"

namespace hnswpg {

// Runs work(arg) in a transaction of its own. After an error the transaction is
// rolled back, the error is logged, and the answer is false. `*last_error` tells
// errors apart, 0 at first: one that says what the last one said is logged at
// DEBUG1 only. The current memory context stays.
bool RunInTransaction(void (*work)(void* arg), void* arg, uint32* last_error);

}  // namespace hnswpg

#endif  // HNSWPG_WORKER_GUARD_H_
