#include "hnswpg/storage/locks.h"

#include "hnswpg/storage/give_way.h"

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

}  // namespace

bool LockIndex(Relation rel, IndexLock lock, LOCKMODE mode, bool dont_wait) {
  const LOCKTAG tag = TagOf(rel, lock);
  return LockAcquire(&tag, mode, false, dont_wait) != LOCKACQUIRE_NOT_AVAIL;
}

void UnlockIndex(Relation rel, IndexLock lock, LOCKMODE mode) {
  const LOCKTAG tag = TagOf(rel, lock);
  LockRelease(&tag, mode, false);
}

bool GraphTurn::Yield() {
  if (Now() - since_ < length_) return true;
  if (gives_way_ && IsInTheWay()) return false;
  if (GraphIsWanted(rel_)) {
    has_yielded_ = true;
    UnlockGraph(rel_);
    LockGraph(rel_);
  }
  since_ = Now();
  return true;
}

}  // namespace hnswpg
