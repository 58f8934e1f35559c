// hnsw_sync(index [, rebuild]) and hnsw_cleanup(index): the background worker's
// work, by hand. Of a partitioned index, that of all its partitions; who may maintain
// the partitioned table may have it done, as with REINDEX.
//
// Neither runs code of the table's owner, but rebuilding, which runs it as the
// owner. What is done stays done if the transaction aborts, again but rebuilding:
// links change nothing that a transaction could see.
#include "am/sql/index_target.h"
#include "am/sql/rebuild.h"
#include "hnswpg/postgres/function.h"
#include "hnswpg/storage/cleanup/cleanup.h"
#include "hnswpg/storage/link/link_pending.h"

namespace hnswpg {
namespace {

int64 Sync(Relation index) { return LinkAllPending(index, false).linked; }
int64 CleanUpNow(Relation index) { return RemoveDead(index, false).freed; }

constexpr TargetUse kSync = {"sync", AccessShareLock, RowExclusiveLock};
constexpr TargetUse kCleanUp = {"clean up", AccessShareLock, RowExclusiveLock};

// All that can be refused without a lock is refused before there is one.
void CheckAllowed(Oid index, const char* function) {
  PreventCommandDuringRecovery(function);
  PreventCommandIfReadOnly(function);
  CheckIsHnsw(index);
  CheckMayMaintain(index);
}

int64 DoOne(Oid oid, const TargetUse& use, int64 (*work)(Relation)) {
  const IndexTarget target = OpenTarget(oid, use);
  const int64 done = work(target.index);
  CloseTarget(target, use);
  return done;
}

int64 DoAll(Oid oid, const TargetUse& use, int64 (*work)(Relation)) {
  int64 done = 0;
  ListCell* cell;
  foreach (cell, LeafIndexes(oid)) done += DoOne(lfirst_oid(cell), use, work);
  return done;
}

int64 RebuildAll(Oid oid) {
  int64 done = 0;
  ListCell* cell;
  foreach (cell, LeafIndexes(oid)) done += RebuildIndex(lfirst_oid(cell));
  return done;
}

}  // namespace
}  // namespace hnswpg

HNSWPG_FUNCTION(hnsw_sync)(PG_FUNCTION_ARGS) {
  using namespace hnswpg;
  const Oid index = PG_GETARG_OID(0);
  const bool rebuild = PG_GETARG_BOOL(1);
  CheckAllowed(index, "hnsw_sync()");
  PG_RETURN_INT64(rebuild ? RebuildAll(index) : DoAll(index, kSync, Sync));
}

HNSWPG_FUNCTION(hnsw_cleanup)(PG_FUNCTION_ARGS) {
  using namespace hnswpg;
  const Oid index = PG_GETARG_OID(0);
  CheckAllowed(index, "hnsw_cleanup()");
  PG_RETURN_INT64(DoAll(index, kCleanUp, CleanUpNow));
}
