// The heavyweight locks of an index: on page numbers, which the server releases
// after an error. None of them stands for the page of its number.
//
// Taken in this order, each only with those before it, if any, held:
//   maintenance lock   who works on the graph for long: syncing, cleaning up. One
//                      at a time an index; nobody else takes it, so it is waited
//                      for by maintenance alone.
//   link lock          whose elements go into the graph: shared by those who link
//                      one element at a time; exclusively for who has a copy of
//                      the lists in memory, which must stay true meanwhile.
//   graph lock         exclusively by whoever changes lists, parents, the entry
//                      point or states of slots (src/storage/README.md, "Locks").
//                      Held for short turns.
#ifndef HNSWPG_STORAGE_LOCKS_H_
#define HNSWPG_STORAGE_LOCKS_H_

#include "hnswpg/storage/index.h"

namespace hnswpg {

inline constexpr BlockNumber kGraphLock = 0;
inline constexpr BlockNumber kLinkLock = 1;
inline constexpr BlockNumber kMaintenanceLock = 2;

inline void LockGraph(Relation rel) { LockPage(rel, kGraphLock, ExclusiveLock); }
inline bool TryLockGraph(Relation rel) {
  return ConditionalLockPage(rel, kGraphLock, ExclusiveLock);
}
inline void UnlockGraph(Relation rel) { UnlockPage(rel, kGraphLock, ExclusiveLock); }

// The maintenance lock. False: `gives_way`, and somebody else has it.
inline bool LockForMaintenance(Relation rel, bool gives_way) {
  if (gives_way) return ConditionalLockPage(rel, kMaintenanceLock, ExclusiveLock);
  LockPage(rel, kMaintenanceLock, ExclusiveLock);
  return true;
}
inline void UnlockForMaintenance(Relation rel) {
  UnlockPage(rel, kMaintenanceLock, ExclusiveLock);
}

// A holder of the graph lock with much to do lets others pass between its steps.
class GraphTurn {
 public:
  // `gives_way`: the caller holds RowExclusiveLock on the index, and is to come to
  // an end as soon as somebody waits for a lock that conflicts with it.
  GraphTurn(Relation rel, bool gives_way)
      : rel_(rel), gives_way_(gives_way), since_(GetCurrentTimestamp()) {}
  // Releases the graph lock and takes it again, if somebody waits for it and this
  // turn has lasted long enough. The graph may be another one afterwards. False:
  // the caller should come to an end (asked as seldom as the clock).
  bool Yield();
  // Whether anybody may have had the lock since this object was made.
  bool has_yielded() const { return has_yielded_; }

 private:
  Relation rel_;
  bool gives_way_;
  TimestampTz since_;
  bool has_yielded_ = false;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_LOCKS_H_
