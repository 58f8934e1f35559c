// With shared_preload_libraries: starts the worker of each database once, after the
// server's start or promotion, so that what was pending when it stopped does not
// wait for the next insertion. Then it ends.
#include "hnswpg/am/am.h"
#include "hnswpg/postgres/clock.h"
#include "hnswpg/postgres/function.h"
#include "hnswpg/signal/announce_work.h"
#include "hnswpg/signal/worker_registry.h"
#include "worker/catalog.h"
#include "worker/process.h"

extern "C" {
#include "access/xact.h"
#include "postmaster/bgworker.h"
HNSWPG_EXPORT void hnsw_launcher_main(Datum);
}

namespace hnswpg {
namespace {

// How long the next database waits for this one's worker to end: one after another
// as long as each has little to do, so that few are needed at a time.
constexpr Microseconds kTurn = 5 * kSecond;
constexpr long kPauseMilliseconds = 1000;
// Where the server has no room for a worker.
constexpr int kAttempts = 30;

void WaitForEnd(BackgroundWorkerHandle* handle) {
  const Microseconds until = Now() + kTurn;
  pid_t pid;
  while (GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED) {
    const long left = MillisecondsUntil(Now(), until);
    if (left <= 0) break;
    WaitForLatch(left);
    HandleRequests();
  }
  pfree(handle);
}

void Launch(Oid database) {
  BackgroundWorkerHandle* handle;
  for (int i = 0; i < kAttempts && !StartWorker(database, &handle); i++) {
    WaitForLatch(kPauseMilliseconds);
    HandleRequests();
  }
  if (handle) WaitForEnd(handle);
}

}  // namespace
}  // namespace hnswpg

void hnsw_launcher_main(Datum) {
  using namespace hnswpg;
  BeginProcess();
  if (!startup_sync || sync_interval == 0) return;
  if (!AttachRegistry()) return;
  BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
  PodVector<Oid> databases(ContextArena(TopMemoryContext));
  StartTransactionCommand();
  ListDatabases(&databases);
  CommitTransactionCommand();
  for (Oid database : databases) Launch(database);
}
