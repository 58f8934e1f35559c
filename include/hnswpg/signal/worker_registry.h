// The registry of background workers, in shared memory: a slot for each database
// that has one or wants one. Made by the first process that asks for it, so nothing
// has to be preloaded; a server that preloads the module makes it at its start, when
// there is memory for sure. Where there is no registry there are no workers.
//
// One spinlock guards it all; nothing that can fail is done under it. Those who
// have work and the worker that is about to stop meet there, so no work is
// announced to a worker that does not look any more; and one that is made to end after
// its first look has a successor started if there is some, or if it had some in hand.
#ifndef HNSWPG_SIGNAL_WORKER_REGISTRY_H_
#define HNSWPG_SIGNAL_WORKER_REGISTRY_H_

#include "hnswpg/postgres/server.h"

extern "C" {
#include "postmaster/bgworker.h"
}

namespace hnswpg {

// The module's file, as the extension's functions name it (hnswpg.control).
inline constexpr char kLibrary[] = "$libdir/hnswpg";

// Indexes that a slot can name; where there are more, the worker looks at all.
inline constexpr int kMaxAnnounced = 8;

// What is to be looked at.
struct Work {
  bool all = false;
  int n = 0;
  Oid indexes[kMaxAnnounced];

  void Add(Oid index);
  bool empty() const { return !all && n == 0; }
};

// Attaches to the registry, which makes it first if need be. False: there is none,
// since no shared memory is left or another version of this module has made it
// (shared_memory.h); it is looked for again after some seconds. Raises nothing. What
// follows may be called after it returned true.
bool AttachRegistry();

// With shared_preload_libraries, while these are loaded: has the registry made when
// the server starts.
void ReserveRegistry();

// ---- for those who have work ----

// Tells this database's worker of it: wakes the worker if it sleeps, has it started
// if there is none. If none can be started, says so in the log, not more often than
// every few minutes. Raises nothing, and may be called while a transaction ends.
void ReportWork(const Work& work);

// Has a worker for `database` started unless there is one. `*handle`: as from
// RegisterDynamicBackgroundWorker, null unless one is started. False: the server
// has no room for another worker.
bool StartWorker(Oid database, BackgroundWorkerHandle** handle);

// With shared_preload_libraries: the process that starts the workers after the
// server's start.
void RegisterLauncher();

// ---- for the worker ----

// Says that this process is the worker of `database`, until it exits. False: there
// is one already.
bool BecomeWorker(Oid database);

// Takes what was announced.
Work TakeWork();

// Says that the worker has seen the database's indexes, and whether there is something
// that a successor would have to do if it ended now.
void ReportLook(bool has_more);

// Says that this process wants to be woken by its latch. False: there is work.
bool BeginSleep();
void EndSleep();

// Gives the slot back, unless work was announced. False: it was.
bool Resign();

}  // namespace hnswpg

#endif  // HNSWPG_SIGNAL_WORKER_REGISTRY_H_
