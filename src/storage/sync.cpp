// Linking what is pending: one by one under the graph lock, in turns, or many in
// memory (bulk_linker.h).
//
// The queue is taken from its head only, under the graph lock, so several who link
// at the same time take turns element by element, and none is linked twice.
#include "hnswpg/storage/sync.h"

#include <new>

#include "hnswpg/storage/bulk_linker.h"
#include "hnswpg/storage/linker.h"
#include "hnswpg/storage/locks.h"
#include "hnswpg/storage/pending.h"

namespace hnswpg {
namespace {

// An inserter links so many at a time: long enough that it is one in so many
// insertions that has to, short enough (some milliseconds) that nobody minds.
constexpr uint32_t kBatch = 32;

// Links `wanted` elements, or fewer if there are no more or `turn` says to end.
// Link lock and graph lock are held. Returns how many; *stopped: it was `turn`.
uint32_t LinkSome(const Index& index, uint32_t wanted, GraphTurn* turn, bool* stopped) {
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg linking", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  Linker* linker = new (palloc(sizeof(Linker))) Linker(&index, WriteMode::kLogged);
  uint32_t linked = 0;
  *stopped = false;
  while (linked < wanted && linker->LinkOldest()) {
    linked++;
    CHECK_FOR_INTERRUPTS();
    if (turn->Yield()) continue;
    *stopped = true;
    break;
  }
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
  return linked;
}

SyncResult LinkOneByOne(const Index& index, uint32_t wanted, bool gives_way) {
  LockIndex(index.rel, IndexLock::kLink, ShareLock);
  LockGraph(index.rel);
  GraphTurn turn(index.rel, gives_way, GraphTurn::kShort);
  bool stopped;
  SyncResult result;
  result.linked = LinkSome(index, wanted, &turn, &stopped);
  result.complete = !stopped;
  UnlockGraph(index.rel);
  UnlockIndex(index.rel, IndexLock::kLink, ShareLock);
  return result;
}

}  // namespace

SyncResult SyncPending(const Index& index, bool gives_way) {
  SyncResult result;
  if (!LockForMaintenance(index.rel, gives_way)) return result;
  const uint32_t wanted = ReadMeta(index).n_pending;
  result.complete = true;
  if (BulkPays(index, wanted)) {
    LockIndex(index.rel, IndexLock::kLink, ExclusiveLock);
    result = LinkInMemory(index, gives_way);
    UnlockIndex(index.rel, IndexLock::kLink, ExclusiveLock);
  } else if (wanted > 0) {
    result = LinkOneByOne(index, wanted, gives_way);
  }
  UnlockForMaintenance(index.rel);
  return result;
}

bool LinkBatch(const Index& index) {
  if (!LockIndex(index.rel, IndexLock::kLink, ShareLock, true)) return false;
  LockGraph(index.rel);
  GraphTurn turn(index.rel, false, GraphTurn::kShort);
  bool stopped;
  LinkSome(index, kBatch, &turn, &stopped);
  UnlockGraph(index.rel);
  UnlockIndex(index.rel, IndexLock::kLink, ShareLock);
  return true;
}

}  // namespace hnswpg
