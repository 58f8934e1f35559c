// Giving the end of the file back to the file system, as VACUUM does with a table.
//
// Three steps. Each of them costs nothing that another session would wait for long:
//   1. Without a lock: where the slots in use end, and whether that saves anything.
//   2. With the maintenance lock, and the graph lock in turns: the free slots behind
//      that leave the free lists (free_list_end.h), from the last one downwards, and
//      the marks of never-used ids go down with them. Others use the index meanwhile.
//   3. With AccessExclusiveLock on the index, if nobody has or awaits a lock on it:
//      the file is cut where the marks say. Nothing is read then but the metapage.
// Locks that cannot be had at once are not waited for. Whatever ends this (a crash, a
// cancel, somebody who uses the index), what is done stays done, and the next vacuum
// goes on from there. The file is longer than needed then, and has old bytes behind the
// last slot, on pages of the kind that belongs there. Nothing reads those.
#include "hnswpg/postgres/compat.h"
#include "hnswpg/storage/page/locks.h"
#include "hnswpg/storage/vacuum/shrink_file.h"
#include "storage/vacuum/free_list_end.h"

extern "C" {
#include "catalog/storage.h"
}

namespace hnswpg {
namespace {

// What the table's vacuum asks for as well: not the lock for a few pages.
constexpr BlockNumber kEnoughPages = 1000;
constexpr BlockNumber kEnoughFraction = 16;

// Where the slots in use end.
struct Ends {
  uint32_t elements;
  uint32_t uppers;
};

bool IsWorthIt(const HnswIndex& index, const Ends& ends) {
  const BlockNumber blocks = RelationGetNumberOfBlocks(index.rel);
  const BlockNumber needed = index.layout.BlocksFor(ends.elements, ends.uppers);
  if (needed >= blocks) return false;
  const BlockNumber saved = blocks - needed;
  return saved >= kEnoughPages || saved >= blocks / kEnoughFraction;
}

// The first slot of those at the end of the list's kind that are all free. A slot may be
// taken at any time after it was looked at.
uint32_t FindEnd(const HnswIndex& index, const FreeListKind& kind, uint32_t end) {
  while (end > 0 && kind.read(index, end - 1).is_free) {
    compat::VacuumDelayPoint();
    end--;
  }
  return end;
}

// What the cut could leave at best; false if that is not worth it. Looks at no more than
// it has to: every slot at the end only where all of them together would be enough.
bool FindEnds(const HnswIndex& index, const Meta& meta, Ends* ends) {
  *ends = {meta.next_element - meta.n_free, meta.next_upper - meta.n_free_uppers};
  if (!IsWorthIt(index, *ends)) return false;
  ends->uppers = FindEnd(index, kFreeUppers, meta.next_upper);
  if (!IsWorthIt(index, *ends)) return false;
  ends->elements = FindEnd(index, kFreeElements, meta.next_element);
  return IsWorthIt(index, *ends);
}

// Maintenance lock held. Takes and releases the graph lock.
void Shorten(const HnswIndex& index, const Ends& ends) {
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg free lists", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  ShortenFreeList(index, kFreeElements, ends.elements);
  ShortenFreeList(index, kFreeUppers, ends.uppers);
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
}

bool MarksAreWorthIt(const HnswIndex& index) {
  const Meta meta = ReadMeta(index);
  return IsWorthIt(index, {meta.next_element, meta.next_upper});
}

// Standbys hold the lock from its replay to the end of VACUUM's transaction, so it is
// taken only if the file is to be cut.
void Cut(const HnswIndex& index) {
  if (!MarksAreWorthIt(index)) return;
  if (!ConditionalLockRelation(index.rel, AccessExclusiveLock)) return;
  const Meta meta = ReadMeta(index);
  const Ends ends = {meta.next_element, meta.next_upper};
  if (IsWorthIt(index, ends)) {
    RelationTruncate(index.rel, index.layout.BlocksFor(ends.elements, ends.uppers));
  }
  // Whoever gets the lock next learns of the new end before it reads.
  UnlockRelation(index.rel, AccessExclusiveLock);
}

}  // namespace

void ShrinkFile(const HnswIndex& index) {
  Ends ends;
  if (!FindEnds(index, ReadMeta(index), &ends)) return;
  // Whoever has it counts on the marks of never-used ids to stay where they are.
  if (!LockForMaintenance(index.rel, true)) return;
  Shorten(index, ends);
  UnlockForMaintenance(index.rel);
  Cut(index);
}

}  // namespace hnswpg
