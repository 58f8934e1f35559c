#include "hnswpg/storage/locks.h"

#include "hnswpg/storage/give_way.h"

namespace hnswpg {
namespace {

// About as long as a few insertions take: giving way at every step would make a
// vacuum beside several writers as many times as slow.
constexpr TimestampTz kTurnMicroseconds = 2000;

bool GraphIsWanted(Relation rel) {
  LOCKTAG tag;
  SET_LOCKTAG_PAGE(tag, rel->rd_lockInfo.lockRelId.dbId, rel->rd_lockInfo.lockRelId.relId,
                   kGraphLock);
  return LockHasWaiters(&tag, ExclusiveLock, false);
}

}  // namespace

bool GraphTurn::Yield() {
  if (GetCurrentTimestamp() - since_ < kTurnMicroseconds) return true;
  if (gives_way_ && IsInTheWay()) return false;
  if (GraphIsWanted(rel_)) {
    has_yielded_ = true;
    UnlockGraph(rel_);
    LockGraph(rel_);
  }
  since_ = GetCurrentTimestamp();
  return true;
}

}  // namespace hnswpg
