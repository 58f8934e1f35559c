// What the worker and the launcher have in common as processes.
#ifndef HNSWPG_WORKER_PROCESS_H_
#define HNSWPG_WORKER_PROCESS_H_

#include "hnswpg/postgres/server.h"

namespace hnswpg {

// Signals: SIGTERM ends the process at the next look for interrupts, SIGHUP has it
// read the configuration. The first thing such a process does.
void BeginProcess();

// Between two pieces of work: ends the process if that was asked for, reads the
// configuration if that was.
void HandleRequests();

// Waits for the latch, and resets it.
void WaitForLatch(long milliseconds);

}  // namespace hnswpg

#endif  // HNSWPG_WORKER_PROCESS_H_
