// The background worker of one database: links what is pending in its hnsw indexes
// and removes what is dead, until there is nothing to do for a while.
#include "hnswpg/am/am.h"
#include "hnswpg/postgres/function.h"
#include "hnswpg/signal/announce_work.h"
#include "hnswpg/signal/waiters.h"
#include "hnswpg/signal/worker_registry.h"
#include "worker/catalog.h"
#include "worker/guard.h"
#include "worker/process.h"
#include "worker/service.h"

extern "C" {
#include "pgstat.h"
#include "storage/ipc.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
HNSWPG_EXPORT void hnsw_worker_main(Datum database);
}

namespace hnswpg {
namespace {

// After work the worker rests, without being woken: whoever inserts single rows
// should not have to send a signal for each.
constexpr long kRestMilliseconds = 30;
// How often to see whether somebody wants the database: DROP DATABASE fails after
// five seconds.
constexpr Microseconds kPatience = kSecond;

class Worker {
 public:
  Worker() : tasks_(TopMemoryContext), indexes_(ContextArena(TopMemoryContext)) {}
  // Returns when the process should end. Its slot may be its own still.
  void Run();

 private:
  void CollectTasks();
  void LookAtAll();
  void ReportHand();
  bool RunDueTasks();
  bool MayStop();
  void Sleep();
  static Microseconds Interval() { return sync_interval * kSecond; }

  TaskList tasks_;
  PodVector<Oid> indexes_;
  uint32 last_error_ = 0;  // of looking for them
  bool look_at_all_ = true;
  Microseconds last_look_ = kNever;  // at all indexes
  Microseconds last_work_ = kNever;
};

void Worker::Run() {
  for (;;) {
    HandleRequests();
    if (sync_interval == 0) {
      TakeWork();  // so that no successor is asked for
      ReportLook(false);
      return;
    }
    if (IsDatabaseWanted()) {
      ReportLook(false);  // a successor would be in the way too
      return;
    }
    CollectTasks();
    ReportHand();
    const bool worked = RunDueTasks();
    ReportHand();
    if (worked) {
      last_work_ = Now();
      WaitForLatch(kRestMilliseconds);
    } else if (MayStop()) {
      return;
    } else {
      Sleep();
    }
  }
}

// So that a successor is asked for if the worker is made to end with something to do.
void Worker::ReportHand() {
  if (!look_at_all_) ReportLook(!tasks_.empty());
}

void Worker::CollectTasks() {
  const Work work = TakeWork();
  for (int i = 0; i < work.n; i++) tasks_.Add(work.indexes[i]);
  look_at_all_ |= work.all || Now() - last_look_ >= Interval();
  if (look_at_all_) LookAtAll();
}

void Worker::LookAtAll() {
  indexes_.Clear();
  // After an error, such as a cancelled query, it looks again.
  look_at_all_ = !RunInTransaction(
      [](void* list) { ListIndexes(static_cast<PodVector<Oid>*>(list)); }, &indexes_, &last_error_);
  if (!look_at_all_) last_error_ = 0;
  for (Oid index : indexes_) tasks_.Add(index);
  last_look_ = Now();
}

// Whether there was anything to be done.
bool Worker::RunDueTasks() {
  bool worked = false;
  // Those that are due now, once each.
  const Microseconds now = Now();
  for (Task* task = tasks_.NextDue(now); task; task = tasks_.NextDue(now)) {
    HandleRequests();
    if (IsDatabaseWanted()) break;
    const Outcome outcome = ServiceIndex(task);
    worked |= outcome == Outcome::kWorked;
    tasks_.Conclude(task, outcome, Now());
  }
  pgstat_report_activity(STATE_IDLE, "");
  return worked;
}

// An index that gave way or failed is a task still, and so is a look that failed.
bool Worker::MayStop() {
  const Microseconds now = Now();
  return tasks_.empty() && !look_at_all_ && now - last_work_ >= Interval() && Resign();
}

void Worker::Sleep() {
  const Microseconds now = Now();
  const Microseconds until = tasks_.NextTime(std::min(now + kPatience, last_look_ + Interval()));
  if (BeginSleep()) {
    WaitForLatch(MillisecondsUntil(now, until));
    EndSleep();
  }
}

}  // namespace
}  // namespace hnswpg

void hnsw_worker_main(Datum arg) {
  using namespace hnswpg;
  const Oid database = DatumGetObjectId(arg);
  BeginProcess();
  if (!AttachRegistry() || !BecomeWorker(database)) return;
  BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
  // Settings of the database or of everyone that are meant for sessions.
  for (const char* timeout :
       {"lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"}) {
    const bool known = GetConfigOption(timeout, true, false) != nullptr;
    if (known) SetConfigOption(timeout, "0", PGC_SUSET, PGC_S_OVERRIDE);
  }
  Worker worker;
  worker.Run();
}
