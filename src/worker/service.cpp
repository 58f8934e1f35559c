// One index, in one transaction.
//
// Locks: RowExclusiveLock on the index; AccessShareLock on the table, so that those who
// wait for everybody that may use the index (REINDEX CONCURRENTLY before it drops the
// old one) wait for us too. Neither is waited for: behind somebody who waits for the
// table, the worker would only make the queue longer. (So the order, index first, cannot
// end in a deadlock.)
//
// Two kinds of index are announced before they can be worked on, and nobody announces
// them again. One whose creator has not committed, which PREPARE TRANSACTION makes last:
// its lock is held, so it counts as being in use until that ends. And one that is being
// built CONCURRENTLY: it takes insertions before it is valid.
#include "worker/service.h"

#include "hnswpg/am/am.h"
#include "hnswpg/postgres/clock.h"
#include "hnswpg/storage/cleanup/cleanup.h"
#include "hnswpg/storage/link/link_pending.h"
#include "worker/guard.h"

extern "C" {
#include "access/relation.h"
#include "catalog/index.h"
#include "storage/lock.h"
#include "utils/backend_status.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

namespace hnswpg {
namespace {

constexpr size_t kNameLength = 2 * NAMEDATALEN + 2;
using Name = char[kNameLength];

void NameIndex(Relation rel, Name* name) {
  const char* schema = get_namespace_name(RelationGetNamespace(rel));
  snprintf(*name, kNameLength, "%s.%s", schema ? schema : "?", RelationGetRelationName(rel));
}

void AddContext(void* arg) {
  errcontext("hnswpg worker at index %s", static_cast<const char*>(arg));
}

bool IsOurs(Relation rel) {
  return rel->rd_rel->relkind == RELKIND_INDEX && rel->rd_indam->ambuild == hnswbuild &&
         rel->rd_rel->relpersistence != RELPERSISTENCE_TEMP && rel->rd_index->indislive;
}

bool IsComplete(Relation rel) { return rel->rd_index->indisvalid && rel->rd_index->indisready; }

// Who builds an index beside insertions holds a lock on the table that only one may have.
bool MayBeInConstruction(Oid table) {
  LOCKTAG tag;
  SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
  int holders;
  pfree(GetLockConflicts(&tag, ShareUpdateExclusiveLock, &holders));
  return holders > 0;
}

// An index that is not valid: whether it may become so. Its builder lets go of the lock
// a moment before the commit that makes it valid.
Outcome AwaitCompletion(Oid table, Microseconds* await_until) {
  constexpr Microseconds kCommit = 10 * kSecond;
  const Microseconds now = Now();
  if (MayBeInConstruction(table)) *await_until = now + kCommit;
  return now < *await_until ? Outcome::kGaveWay : Outcome::kNothingToDo;
}

void ReportActivity(const char* verb, uint32_t count, const char* name) {
  char activity[kNameLength + 64];
  snprintf(activity, sizeof(activity), "%s %u elements of %s", verb, count, name);
  pgstat_report_activity(STATE_RUNNING, activity);
}

bool CleanUpGivingWay(const HnswIndex& index, const char* name, bool* worked) {
  const Meta meta = ReadMeta(index);
  if (meta.n_dead == 0 || DeadFraction(meta) <= cleanup_threshold) return true;
  ReportActivity("removing", meta.n_dead, name);
  *worked = true;
  return RemoveDead(index.rel, true).complete;
}

bool LinkGivingWay(const HnswIndex& index, const char* name, bool* worked) {
  const Meta meta = ReadMeta(index);
  if (meta.n_pending > 0) {
    ReportActivity("linking", meta.n_pending, name);
  } else if (CodesAreDue(index, meta)) {
    ReportActivity("making codes anew for", meta.n_linked, name);
  } else {
    return true;
  }
  *worked = true;
  return LinkAllPending(index.rel, true).complete;
}

// Cleanup comes first: inserters cannot do that themselves, and every search pays for the
// dead, while they see to it that not too much is pending. Linking does every other time
// that the last attempt did not succeed: one may fail for ever where the other need not.
Outcome WorkOn(Relation rel, const char* name, bool links_first) {
  const HnswIndex index = OpenIndex(rel);
  // Long work begins here, and must not keep VACUUM from removing rows: what looks
  // into the catalogs holds a snapshot until it is told that it need not.
  InvalidateCatalogSnapshot();
  bool worked = false;
  const bool complete =
      links_first ? LinkGivingWay(index, name, &worked) && CleanUpGivingWay(index, name, &worked)
                  : CleanUpGivingWay(index, name, &worked) && LinkGivingWay(index, name, &worked);
  if (!complete) return Outcome::kGaveWay;
  return worked ? Outcome::kWorked : Outcome::kNothingToDo;
}

struct Job {
  Oid index;
  bool links_first;
  Microseconds await_until;  // of the task
  Name name;
  Outcome outcome;
};

Outcome OpenAndWork(Job* job) {
  if (!ConditionalLockRelationOid(job->index, RowExclusiveLock)) return Outcome::kGaveWay;
  const Oid table = IndexGetRelation(job->index, true);
  if (table == InvalidOid) return Outcome::kNothingToDo;
  if (!ConditionalLockRelationOid(table, AccessShareLock)) return Outcome::kGaveWay;
  Relation rel = try_relation_open(job->index, NoLock);
  if (!rel) return Outcome::kNothingToDo;
  Outcome outcome = Outcome::kNothingToDo;
  if (IsOurs(rel)) {
    NameIndex(rel, &job->name);
    outcome = IsComplete(rel) ? WorkOn(rel, job->name, job->links_first)
                              : AwaitCompletion(table, &job->await_until);
  }
  relation_close(rel, NoLock);
  return outcome;
}

void DoJob(void* arg) {
  Job* job = static_cast<Job*>(arg);
  ErrorContextCallback callback = {error_context_stack, AddContext, job->name};
  error_context_stack = &callback;
  job->outcome = OpenAndWork(job);
  error_context_stack = callback.previous;
}

}  // namespace

Outcome ServiceIndex(Task* task) {
  Job job;
  job.index = task->index;
  job.links_first = task->attempts % 2 == 1;
  job.await_until = task->await_until;
  job.outcome = Outcome::kNothingToDo;
  snprintf(job.name, sizeof(job.name), "with OID %u", task->index);
  const bool done = RunInTransaction(DoJob, &job, &task->last_error);
  task->await_until = job.await_until;
  return done ? job.outcome : Outcome::kFailed;
}

}  // namespace hnswpg
