// Linking what is pending: one by one under the graph lock, in turns, or many in
// memory (bulk_linker.h).
//
// The queue is taken from its head only, under the graph lock, so several who link
// at the same time take turns element by element, and none is linked twice.
//
// The code book changes under the link lock, held exclusively, so whoever links opens the
// index anew when it has that lock, and writes codes by the book in force.
#include "hnswpg/storage/link/link_pending.h"

#include <new>

#include "hnswpg/storage/link/page_linker.h"
#include "hnswpg/storage/page/locks.h"
#include "hnswpg/storage/page/pending.h"
#include "storage/link/bulk_linker.h"
#include "storage/link/renew_codes.h"

namespace hnswpg {
namespace {

// An inserter links so many at a time: long enough that it is one in so many
// insertions that has to, short enough (some milliseconds) that nobody minds.
constexpr uint32_t kBatch = 32;

// Links `wanted` elements, or fewer if there are no more or `turn` says to end.
// Link lock and graph lock are held. Returns how many; *stopped: it was `turn`.
uint32_t LinkSome(const HnswIndex& index, uint32_t wanted, GraphTurn* turn, bool* stopped) {
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg linking", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  PageLinker* linker = new (palloc(sizeof(PageLinker))) PageLinker(&index, WriteMode::kLogged);
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

LinkingResult LinkOneByOne(const HnswIndex& index, uint32_t wanted, bool gives_way) {
  LockIndex(index.rel, IndexLock::kLink, ShareLock);
  LockGraph(index.rel);
  GraphTurn turn(index.rel, gives_way, GraphTurn::kShort);
  bool stopped;
  LinkingResult result;
  result.linked = LinkSome(index, wanted, &turn, &stopped);
  result.complete = !stopped;
  UnlockGraph(index.rel);
  UnlockIndex(index.rel, IndexLock::kLink, ShareLock);
  return result;
}

// The maintenance lock is held, so the book stays.
LinkingResult LinkBacklog(const HnswIndex& index, bool gives_way) {
  const uint32_t wanted = ReadMeta(index).n_pending;
  LinkingResult result;
  result.complete = true;
  if (BulkPays(index, wanted)) {
    LockIndex(index.rel, IndexLock::kLink, ExclusiveLock);
    result = LinkInMemory(index, gives_way);
    UnlockIndex(index.rel, IndexLock::kLink, ExclusiveLock);
  } else if (wanted > 0) {
    result = LinkOneByOne(index, wanted, gives_way);
  }
  return result;
}

}  // namespace

LinkingResult LinkAllPending(Relation rel, bool gives_way) {
  if (!LockForMaintenance(rel, gives_way)) return {};
  LinkingResult result = LinkBacklog(OpenIndex(rel), gives_way);
  if (result.complete) result.complete = RenewCodes(rel, gives_way);
  UnlockForMaintenance(rel);
  return result;
}

bool LinkPendingBatch(Relation rel) {
  if (!LockIndex(rel, IndexLock::kLink, ShareLock, true)) return false;
  const HnswIndex index = OpenIndex(rel);
  LockGraph(index.rel);
  GraphTurn turn(index.rel, false, GraphTurn::kShort);
  bool stopped;
  LinkSome(index, kBatch, &turn, &stopped);
  UnlockGraph(index.rel);
  UnlockIndex(index.rel, IndexLock::kLink, ShareLock);
  return true;
}

void LinkPendingUntil(Relation rel, WriteMode mode, ElementId until) {
  LockIndex(rel, IndexLock::kLink, ShareLock);
  const HnswIndex index = OpenIndex(rel);
  LockGraph(index.rel);
  GraphTurn turn(index.rel, false, GraphTurn::kShort);
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg linking", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  PageLinker* linker = new (palloc(sizeof(PageLinker))) PageLinker(&index, mode);
  do {
    CHECK_FOR_INTERRUPTS();
    turn.Yield();
    SlotCopy copy;
    ReadSlot(index, until, &copy, nullptr);
    // Linked, by us or by another backend; or merged.
    if (copy.head.state != SlotState::kPending) break;
  } while (linker->LinkOldest());
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
  UnlockGraph(index.rel);
  UnlockIndex(index.rel, IndexLock::kLink, ShareLock);
}

}  // namespace hnswpg
