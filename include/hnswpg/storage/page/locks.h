// The heavyweight locks of an index, which the server releases after an error.
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
//                      Held for short turns. A process says at level DEBUG1 how
//                      long it held it whenever that was longer than ever before
//                      (and a millisecond).
//
// They are locks on objects, the index's parts of number 1 to 3, as pg_locks shows
// them. (Not on pages: before version 17 the server looks for no deadlocks of those,
// and takes few other locks with one of them held.)
#ifndef HNSWPG_STORAGE_PAGE_LOCKS_H_
#define HNSWPG_STORAGE_PAGE_LOCKS_H_

#include "hnswpg/postgres/clock.h"
#include "hnswpg/storage/page/index.h"

namespace hnswpg {

enum class IndexLock : uint16 { kGraph = 1, kLink = 2, kMaintenance = 3 };

// With dont_wait: false if the lock cannot be had at once.
bool LockIndex(Relation rel, IndexLock lock, LOCKMODE mode, bool dont_wait = false);
void UnlockIndex(Relation rel, IndexLock lock, LOCKMODE mode);

inline void LockGraph(Relation rel) { LockIndex(rel, IndexLock::kGraph, ExclusiveLock); }
inline void UnlockGraph(Relation rel) { UnlockIndex(rel, IndexLock::kGraph, ExclusiveLock); }

// The maintenance lock. False: `gives_way`, and somebody else has it.
inline bool LockForMaintenance(Relation rel, bool gives_way) {
  return LockIndex(rel, IndexLock::kMaintenance, ExclusiveLock, gives_way);
}
inline void UnlockForMaintenance(Relation rel) {
  UnlockIndex(rel, IndexLock::kMaintenance, ExclusiveLock);
}

// A holder of the graph lock with much to do lets others pass between its steps.
class GraphTurn {
 public:
  // Who links waits for others who link, so turns are as short as a few insertions.
  // Marking and cleaning up is one against many who link: with turns as short it would
  // be left behind, and dead elements would pile up.
  static constexpr Microseconds kShort = 2 * kMillisecond;
  static constexpr Microseconds kLong = 10 * kMillisecond;

  // `gives_way`: the caller holds RowExclusiveLock on the index, and is to come to
  // an end as soon as somebody waits for a lock that conflicts with it.
  GraphTurn(Relation rel, bool gives_way, Microseconds length)
      : rel_(rel), gives_way_(gives_way), length_(length), since_(Now()) {}
  // Releases the graph lock and takes it again, if somebody waits for it and this
  // turn has lasted long enough. The graph may be another one afterwards. False:
  // the caller should come to an end (asked as seldom as the clock). `before`, if given,
  // is called with `arg` right before the lock is released.
  bool Yield(void (*before)(void* arg) = nullptr, void* arg = nullptr);
  // How often others may have had the lock since this object was made.
  uint32_t n_passed() const { return n_passed_; }

 private:
  Relation rel_;
  bool gives_way_;
  Microseconds length_;
  Microseconds since_;
  uint32_t n_passed_ = 0;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_LOCKS_H_
