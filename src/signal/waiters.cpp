// Looks at the server's lock table for those who wait for this process. Takes no
// lock that lasts.
//
// LockHasWaiters would not do: it must not be asked about a lock that was taken by
// the fast path, as those on relations usually are, and it knows nothing of those
// who wait for a transaction to end.
#include "hnswpg/signal/waiters.h"

#include "hnswpg/postgres/clock.h"

extern "C" {
#include "catalog/pg_database.h"
#include "storage/lock.h"
#include "storage/pmsignal.h"
}

namespace hnswpg {
namespace {

constexpr Microseconds kPause = 20 * kMillisecond;

bool SameTag(const LOCKTAG& a, const LOCKTAG& b) { return memcmp(&a, &b, sizeof(LOCKTAG)) == 0; }

// Locks of parts of an index (locks.h) are left out: they are passed on between steps.
bool CountsForUs(const LockInstanceData& lock) {
  if (lock.pid != MyProcPid || lock.holdMask == 0) return false;
  return lock.locktag.locktag_type == LOCKTAG_RELATION ||
         lock.locktag.locktag_type == LOCKTAG_VIRTUALTRANSACTION;
}

bool Conflicts(LOCKMASK held, LOCKMODE wanted) {
  for (LOCKMODE mode = AccessShareLock; mode <= AccessExclusiveLock; mode++) {
    if ((held & LOCKBIT_ON(mode)) && DoLockModesConflict(mode, wanted)) return true;
  }
  return false;
}

bool IsAwaited(const LockData& all, const LockInstanceData& ours) {
  for (int i = 0; i < all.nelements; i++) {
    const LockInstanceData& other = all.locks[i];
    if (other.waitLockMode != NoLock && other.pid != MyProcPid &&
        SameTag(other.locktag, ours.locktag) && Conflicts(ours.holdMask, other.waitLockMode)) {
      return true;
    }
  }
  return false;
}

bool HoldsWhatIsAwaited() {
  LockData* all = GetLockStatusData();
  bool awaited = false;
  for (int i = 0; i < all->nelements && !awaited; i++) {
    awaited = CountsForUs(all->locks[i]) && IsAwaited(*all, all->locks[i]);
  }
  pfree(all->locks);
  pfree(all);
  return awaited;
}

}  // namespace

bool IsInTheWay() {
  static Microseconds last_look = kNever;
  const Microseconds now = Now();
  if (now - last_look < kPause) return false;
  last_look = now;
  // Without its postmaster the server cannot be started again before we are gone.
  return !PostmasterIsAlive() || HoldsWhatIsAwaited() || IsDatabaseWanted();
}

// The lock is the one that every session takes while it connects; who wants the
// database for itself has a mode that conflicts with it. For the session, so that
// no transaction is needed.
bool IsDatabaseWanted() {
  LOCKTAG tag;
  SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
  if (LockAcquire(&tag, RowExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL) return true;
  LockRelease(&tag, RowExclusiveLock, true);
  return false;
}

}  // namespace hnswpg
