#include "hnswpg/storage/page/locks.h"

#include "hnswpg/signal/waiters.h"

extern "C" {
#include "catalog/pg_class.h"
#include "storage/lock.h"
}

namespace hnswpg {
namespace {

LOCKTAG TagOf(Relation rel, IndexLock lock) {
  LOCKTAG tag;
  SET_LOCKTAG_OBJECT(tag, rel->rd_lockInfo.lockRelId.dbId, RelationRelationId,
                     rel->rd_lockInfo.lockRelId.relId, static_cast<uint16>(lock));
  return tag;
}

bool GraphIsWanted(Relation rel) {
  const LOCKTAG tag = TagOf(rel, IndexLock::kGraph);
  return LockHasWaiters(&tag, ExclusiveLock, false);
}

// Since when this process has the graph lock, or when it last looked and found nobody waiting:
// since when somebody may have been kept waiting. (After an error the server has released it,
// and the next holding begins anew.)
Microseconds graph_since;
Microseconds longest = kMillisecond;

void MeasureHolding(Relation rel) {
  const Microseconds held = Now() - graph_since;
  if (held <= longest) return;
  longest = held;
  ereport(DEBUG1, (errmsg_internal("hnswpg: held the graph lock of index \"%s\" for %.3f ms",
                                   RelationGetRelationName(rel),
                                   static_cast<double>(held) / kMillisecond)));
}

}  // namespace

bool LockIndex(Relation rel, IndexLock lock, LOCKMODE mode, bool dont_wait) {
  const LOCKTAG tag = TagOf(rel, lock);
  const bool locked = LockAcquire(&tag, mode, false, dont_wait) != LOCKACQUIRE_NOT_AVAIL;
  if (lock == IndexLock::kGraph && locked) graph_since = Now();
  return locked;
}

void UnlockIndex(Relation rel, IndexLock lock, LOCKMODE mode) {
  const LOCKTAG tag = TagOf(rel, lock);
  LockRelease(&tag, mode, false);
  if (lock == IndexLock::kGraph) MeasureHolding(rel);
}

bool GraphTurn::Yield(void (*before)(void* arg), void* arg) {
  if (Now() - since_ < length_) return true;
  if (gives_way_ && IsInTheWay()) return false;
  if (GraphIsWanted(rel_)) {
    if (before) before(arg);
    n_passed_++;
    UnlockGraph(rel_);
    LockGraph(rel_);
  } else {
    MeasureHolding(rel_);
  }
  since_ = graph_since = Now();
  return true;
}

}  // namespace hnswpg
