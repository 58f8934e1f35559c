// One index, in one transaction.
//
// Locks: AccessShareLock on the table, so that those who wait for everybody that
// may use the index (REINDEX CONCURRENTLY before it drops the old one) wait for us
// too; RowExclusiveLock on the index. Neither is waited for: behind somebody who
// waits for the table, the worker would only make the queue longer.
#include "hnswpg/worker/service.h"

#include "hnswpg/am/am.h"
#include "hnswpg/storage/sync.h"
#include "hnswpg/storage/vacuum.h"
#include "hnswpg/worker/guard.h"

extern "C" {
#include "access/relation.h"
#include "catalog/index.h"
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
         rel->rd_rel->relpersistence != RELPERSISTENCE_TEMP && rel->rd_index->indisvalid &&
         rel->rd_index->indisready && rel->rd_index->indislive;
}

void ReportActivity(const char* verb, uint32_t count, const char* name) {
  char activity[kNameLength + 64];
  snprintf(activity, sizeof(activity), "%s %u elements of %s", verb, count, name);
  pgstat_report_activity(STATE_RUNNING, activity);
}

bool CleanUp(const Index& index, const char* name, bool* worked) {
  const Meta meta = ReadMeta(index);
  if (meta.n_dead == 0 || DeadFraction(meta) <= cleanup_threshold) return true;
  ReportActivity("removing", meta.n_dead, name);
  *worked = true;
  return RemoveDead(index, true).complete;
}

bool Link(const Index& index, const char* name, bool* worked) {
  const Meta meta = ReadMeta(index);
  if (meta.n_pending == 0) return true;
  ReportActivity("linking", meta.n_pending, name);
  *worked = true;
  return SyncPending(index, true).complete;
}

// Cleanup comes first: inserters cannot do that themselves, and every search pays for the
// dead, while they see to it that not too much is pending. Linking does every other time
// that the last attempt did not succeed: one may fail for ever where the other need not.
Outcome WorkOn(Relation rel, const char* name, bool links_first) {
  const Index index = OpenIndex(rel);
  // Long work begins here, and must not keep VACUUM from removing rows: what looks
  // into the catalogs holds a snapshot until it is told that it need not.
  InvalidateCatalogSnapshot();
  bool worked = false;
  const bool complete = links_first ? Link(index, name, &worked) && CleanUp(index, name, &worked)
                                    : CleanUp(index, name, &worked) && Link(index, name, &worked);
  if (!complete) return Outcome::kGaveWay;
  return worked ? Outcome::kWorked : Outcome::kNothingToDo;
}

Outcome OpenAndWork(Oid oid, bool links_first, Name* name) {
  const Oid table = IndexGetRelation(oid, true);
  if (table == InvalidOid) return Outcome::kNothingToDo;
  if (!ConditionalLockRelationOid(table, AccessShareLock) ||
      !ConditionalLockRelationOid(oid, RowExclusiveLock)) {
    return Outcome::kGaveWay;
  }
  Relation rel = try_relation_open(oid, NoLock);
  if (!rel) return Outcome::kNothingToDo;
  Outcome outcome = Outcome::kNothingToDo;
  if (IsOurs(rel)) {
    NameIndex(rel, name);
    outcome = WorkOn(rel, *name, links_first);
  }
  relation_close(rel, NoLock);
  return outcome;
}

struct Job {
  Oid index;
  bool links_first;
  Name name;
  Outcome outcome;
};

void DoJob(void* arg) {
  Job* job = static_cast<Job*>(arg);
  ErrorContextCallback callback = {error_context_stack, AddContext, job->name};
  error_context_stack = &callback;
  job->outcome = OpenAndWork(job->index, job->links_first, &job->name);
  error_context_stack = callback.previous;
}

}  // namespace

Outcome ServiceIndex(Task* task) {
  Job job;
  job.index = task->index;
  job.links_first = task->attempts % 2 == 1;
  job.outcome = Outcome::kNothingToDo;
  snprintf(job.name, sizeof(job.name), "with OID %u", task->index);
  return RunInTransaction(DoJob, &job, &task->last_error) ? job.outcome : Outcome::kFailed;
}

}  // namespace hnswpg
