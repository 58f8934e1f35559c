// The registry of background workers. Everything in it is guarded by its spinlock.
#include "hnswpg/signal/worker_registry.h"

#include "hnswpg/postgres/clock.h"
#include "signal/shared_memory.h"

extern "C" {
#include "access/xact.h"
#include "commands/dbcommands.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/spin.h"
}

namespace hnswpg {
namespace {

constexpr int kMaxSlots = 64;
// A worker that has not begun after this time never will: the server could not
// fork, or the worker could not connect.
constexpr Microseconds kStartTime = 30 * kSecond;
// After a refusal: when to ask again, and when to complain again.
constexpr Microseconds kRetryTime = 5 * kSecond;
constexpr Microseconds kComplainTime = 5 * kMinute;
// After a worker that could not even look: when to ask for the next, from one failure
// to the next later. (It may not connect to the database, say.)
constexpr Microseconds kFirstPause = 100 * kMillisecond;
constexpr Microseconds kLongestPause = 5 * kMinute;

enum WorkerState { kNone, kStarting, kRunning };

struct Slot {
  Oid database;  // InvalidOid: the slot was never used
  WorkerState state;
  Work work;
  Microseconds asked_at;       // kStarting: when it was asked for
  Microseconds retry_at;       // kNone: not before, after a refusal or a failure
  int failures;                // workers, one after another, that could not look
  Microseconds complained_at;  // 0: not since one could be started
  // Of a running worker. Its latch lies in shared memory, for ever; to set it when
  // it has become another process's does no harm.
  int pid;
  Latch* latch;
  bool sleeping;
};

struct Registry {
  SharedHead head;
  slock_t mutex;
  Microseconds complained_at;  // that there are too few slots
  Slot slots[kMaxSlots];
};

// Another number for another meaning of any byte of it.
constexpr char kLayout[] = "hnswpg workers, layout 1";

Registry* registry;
Slot* own_slot;   // this process's, if it is a worker
bool has_looked;  // it has seen the database's indexes
bool in_hand;     // it has taken work that it has not done yet
shmem_request_hook_type earlier_request_hook;
shmem_startup_hook_type earlier_startup_hook;

void Merge(const Work& from, Work* into) {
  into->all |= from.all;
  for (int i = 0; i < from.n; i++) into->Add(from.indexes[i]);
}

// The database's slot; else one that nobody needs, which is given to it. Null if
// there is none. The caller holds the mutex.
Slot* FindSlot(Oid database) {
  Slot* unneeded = nullptr;
  for (Slot& slot : registry->slots) {
    if (slot.database == database) return &slot;
    if (slot.state == kNone && (!unneeded || slot.database == InvalidOid)) unneeded = &slot;
    if (slot.database == InvalidOid) break;
  }
  if (unneeded) {
    *unneeded = Slot{};
    unneeded->database = database;
  }
  return unneeded;
}

bool MayAsk(const Slot& slot, Microseconds now) {
  if (slot.state == kRunning) return false;
  if (slot.state == kStarting) return now - slot.asked_at > kStartTime;
  return now >= slot.retry_at;
}

void Ask(Slot* slot, Microseconds now) {
  slot->state = kStarting;
  slot->asked_at = now;
}

BackgroundWorker Describe(const char* function) {
  BackgroundWorker worker{};
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker.bgw_restart_time = BGW_NEVER_RESTART;
  snprintf(worker.bgw_library_name, BGW_MAXLEN, "%s", kLibrary);
  snprintf(worker.bgw_function_name, BGW_MAXLEN, "%s", function);
  return worker;
}

// Asks the server, which does not restart it: the next insertion does that, or the
// worker itself as it ends. `notify`: the process that is to be told when it starts
// and ends, or 0.
bool Register(Oid database, int notify, BackgroundWorkerHandle** handle) {
  BackgroundWorker worker = Describe("hnsw_worker_main");
  snprintf(worker.bgw_name, BGW_MAXLEN, "hnswpg worker for database %u", database);
  snprintf(worker.bgw_type, BGW_MAXLEN, "%s", "hnswpg worker");
  worker.bgw_main_arg = ObjectIdGetDatum(database);
  worker.bgw_notify_pid = notify;
  return RegisterDynamicBackgroundWorker(&worker, handle);
}

// After a refusal. True: it should be said.
bool NoteRefusal(Oid database) {
  const Microseconds now = Now();
  bool complain = false;
  SpinLockAcquire(&registry->mutex);
  Slot* slot = FindSlot(database);
  if (slot && slot->state == kStarting) {
    slot->state = kNone;
    slot->retry_at = now + kRetryTime;
    complain = slot->complained_at == 0 || now - slot->complained_at > kComplainTime;
    if (complain) slot->complained_at = now;
  }
  SpinLockRelease(&registry->mutex);
  return complain;
}

void Complain(Oid database) {
  // A transaction that is about to end cannot look the name up.
  const char* name = IsTransactionState() ? get_database_name(database) : nullptr;
  char number[16];
  snprintf(number, sizeof(number), "%u", database);
  ereport(LOG,
          (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
           errmsg("no background worker slot is left for the hnswpg worker of database \"%s\"",
                  name ? name : number),
           errdetail("Rows stay searchable, but insertions into hnsw indexes link them themselves "
                     "where more than hnsw.pending_limit are pending."),
           errhint("You might need to increase max_worker_processes.")));
}

bool StartOrComplain(Oid database, int notify, BackgroundWorkerHandle** handle) {
  if (Register(database, notify, handle)) return true;
  if (NoteRefusal(database)) Complain(database);
  return false;
}

void ComplainOfSlots(Microseconds now) {
  bool complain;
  SpinLockAcquire(&registry->mutex);
  complain = registry->complained_at == 0 || now - registry->complained_at > kComplainTime;
  if (complain) registry->complained_at = now;
  SpinLockRelease(&registry->mutex);
  if (!complain) return;
  ereport(
      LOG,
      (errmsg("more than %d databases have hnsw indexes that are being written", kMaxSlots),
       errdetail("Database with OID %u gets no hnswpg worker for the time being.", MyDatabaseId)));
}

// After a refusal that is nobody's fault: where there is room for one worker, a worker
// that has not ended yet takes it. The next to report work asks anew, at once.
void WithdrawRequest(Oid database) {
  SpinLockAcquire(&registry->mutex);
  Slot* slot = FindSlot(database);
  if (slot && slot->state == kStarting) slot->state = kNone;
  SpinLockRelease(&registry->mutex);
}

// This process is the worker no more. The caller holds the mutex.
void Vacate(Microseconds now) {
  own_slot->failures = has_looked ? 0 : own_slot->failures + 1;
  own_slot->retry_at =
      has_looked ? now : now + Backoff(kFirstPause, kLongestPause, own_slot->failures);
  own_slot->state = kNone;
  own_slot->pid = 0;
  own_slot->latch = nullptr;
  own_slot->sleeping = false;
  own_slot = nullptr;
}

// What was announced since the worker last looked, and what it had in hand, has nobody
// else who would look, so a successor is asked for. Not of a worker that never looked:
// whatever kept it from that would keep its successors.
void LeaveSlot(int, Datum) {
  if (!own_slot) return;
  const Microseconds now = Now();
  SpinLockAcquire(&registry->mutex);
  Slot* slot = own_slot;
  const Oid database = slot->database;
  slot->work.all |= in_hand;
  const bool wants_successor = has_looked && !slot->work.empty();
  Vacate(now);
  if (wants_successor) {
    Ask(slot, now);
  } else {
    slot->work = Work();
  }
  SpinLockRelease(&registry->mutex);
  if (wants_successor && !Register(database, 0, nullptr)) WithdrawRequest(database);
}

void InitRegistry(void* memory) {
  Registry* fresh = static_cast<Registry*>(memory);
  *fresh = Registry{};
  SpinLockInit(&fresh->mutex);
}

Registry* FindRegistry() {
  return reinterpret_cast<Registry*>(
      AttachShared({"hnswpg workers", kLayout, sizeof(Registry), InitRegistry}));
}

void RequestMemory() {
  if (earlier_request_hook) earlier_request_hook();
  RequestAddinShmemSpace(sizeof(Registry));
}

// By the postmaster, at its start and after a crash: before anybody else can take the
// memory that was asked for.
void MakeRegistry() {
  if (earlier_startup_hook) earlier_startup_hook();
  registry = FindRegistry();
}

}  // namespace

void Work::Add(Oid index) {
  for (int i = 0; i < n; i++) {
    if (indexes[i] == index) return;
  }
  if (n < kMaxAnnounced) {
    indexes[n++] = index;
  } else {
    all = true;
  }
}

bool AttachRegistry() {
  static Microseconds retry_at = kNever;
  if (registry) return true;
  const Microseconds now = Now();
  if (now < retry_at) return false;
  retry_at = now + kRetryTime;
  registry = FindRegistry();
  return registry != nullptr;
}

void ReserveRegistry() {
  earlier_request_hook = shmem_request_hook;
  shmem_request_hook = RequestMemory;
  earlier_startup_hook = shmem_startup_hook;
  shmem_startup_hook = MakeRegistry;
}

void ReportWork(const Work& work) {
  const Microseconds now = Now();
  Latch* wake = nullptr;
  bool start = false;
  SpinLockAcquire(&registry->mutex);
  Slot* slot = FindSlot(MyDatabaseId);
  if (slot) {
    Merge(work, &slot->work);
    if (slot->sleeping) {
      wake = slot->latch;
      slot->sleeping = false;
    }
    start = MayAsk(*slot, now);
    if (start) Ask(slot, now);
  }
  SpinLockRelease(&registry->mutex);
  if (!slot) ComplainOfSlots(now);
  if (wake) SetLatch(wake);
  if (start) StartOrComplain(MyDatabaseId, 0, nullptr);
}

bool StartWorker(Oid database, BackgroundWorkerHandle** handle) {
  const Microseconds now = Now();
  bool start = false;
  *handle = nullptr;
  SpinLockAcquire(&registry->mutex);
  Slot* slot = FindSlot(database);
  if (slot && slot->state != kRunning) {
    start = true;
    Ask(slot, now);
  }
  SpinLockRelease(&registry->mutex);
  if (!slot) return false;
  return !start || StartOrComplain(database, MyProcPid, handle);
}

// The server restarts it where it fails; when it is done it says so by its exit
// status, and is not started again. After a crash of the server's processes workers
// are started by insertions alone.
void RegisterLauncher() {
  if (IsBinaryUpgrade) return;
  BackgroundWorker worker = Describe("hnsw_launcher_main");
  worker.bgw_restart_time = 60;
  snprintf(worker.bgw_name, BGW_MAXLEN, "%s", "hnswpg launcher");
  snprintf(worker.bgw_type, BGW_MAXLEN, "%s", "hnswpg launcher");
  RegisterBackgroundWorker(&worker);
}

bool BecomeWorker(Oid database) {
  SpinLockAcquire(&registry->mutex);
  Slot* slot = FindSlot(database);
  if (slot && slot->state != kRunning) {
    slot->state = kRunning;
    slot->pid = MyProcPid;
    slot->latch = MyLatch;
    slot->sleeping = false;
    slot->complained_at = 0;
    own_slot = slot;
  }
  SpinLockRelease(&registry->mutex);
  if (own_slot) before_shmem_exit(LeaveSlot, 0);
  return own_slot != nullptr;
}

Work TakeWork() {
  SpinLockAcquire(&registry->mutex);
  const Work work = own_slot->work;
  own_slot->work = Work();
  SpinLockRelease(&registry->mutex);
  in_hand |= !work.empty();
  return work;
}

void ReportLook(bool has_more) {
  has_looked = true;
  in_hand = has_more;
}

bool BeginSleep() {
  SpinLockAcquire(&registry->mutex);
  const bool sleeps = own_slot->work.empty();
  own_slot->sleeping = sleeps;
  SpinLockRelease(&registry->mutex);
  return sleeps;
}

void EndSleep() {
  SpinLockAcquire(&registry->mutex);
  own_slot->sleeping = false;
  SpinLockRelease(&registry->mutex);
}

bool Resign() {
  const Microseconds now = Now();
  SpinLockAcquire(&registry->mutex);
  const bool resigns = own_slot->work.empty();
  if (resigns) Vacate(now);
  SpinLockRelease(&registry->mutex);
  return resigns;
}

}  // namespace hnswpg
