// VACUUM: removing dead heap TIDs, and marking the elements that have none left.
// Changes no list and no parent, so it may run beside those who do, cleanup and
// bulk linking included. Holds the graph lock, which it yields between pages, and
// content locks page by page.
//
// No dead TID escapes the pass while the lock is yielded. A TID moves in one way
// only: linking merges a pending element into an equal one, which may lie behind the
// pass. Therefore all pending ones come first: what is merged after that has no dead
// TID to bring, and what is linked or merged before that lies ahead of the pass, which
// has not begun. So the lock may be yielded among the pending ones too. (The TIDs of an
// element that has been linked stay in its slot and its containers, and the pass
// takes the containers together with their element.) Elements that are written
// meanwhile have TIDs of rows that are alive: VACUUM asks for TIDs that were dead
// before this began, and the heap gives none of them to another row before every
// index has let go of them.
//
// A container that becomes empty is freed at once. An element that becomes dead
// stays: its neighbours need it (vacuum_remove).
//
// Cost-based delays are left out on purpose: others wait for the graph lock.
#include <algorithm>

#include "hnswpg/core/space/learning.h"
#include "hnswpg/storage/graph/slot_reader.h"
#include "hnswpg/storage/page/locks.h"
#include "hnswpg/storage/page/page_txn.h"
#include "hnswpg/storage/page/pending.h"
#include "hnswpg/storage/vacuum/mark.h"
#include "storage/vacuum/graph_blocks.h"

namespace hnswpg {
namespace {

class Marker {
 public:
  Marker(const HnswIndex& index, BufferAccessStrategy strategy, bool (*is_dead)(ItemPointer, void*),
         void* arg)
      : index_(index), strategy_(strategy), is_dead_(is_dead), arg_(arg) {}

  // Yields the graph lock between pages.
  void MarkPending(GraphTurn* turn);
  // The elements on the page that are in this state, kPending or kLinked.
  void MarkPage(BlockNumber block, SlotState state);
  double removed() const { return removed_; }

 private:
  struct SlotInfo {
    ElementId id;
    ElementId more_tids;
    int n_before;
    int n_tids;  // that stay
    TidEntry tids[kInlineTids];
    bool keep[kInlineTids];
    bool changed;
  };
  int ReadPage(BlockNumber block, SlotState state, SlotInfo* slots);
  int FindAlive(const TidEntry* entries, int n, bool* keep);
  bool PruneContainers(ElementId owner, ElementId first);
  void PruneContainer(ElementId id, const bool* keep, int n, int n_before);
  void RemoveContainer(ElementId owner, ElementId before, ElementId id, int n_before);
  void WritePage(BlockNumber block, const SlotInfo* slots, int n);

  const HnswIndex& index_;
  BufferAccessStrategy strategy_;
  bool (*is_dead_)(ItemPointer, void*);
  void* arg_;
  double removed_ = 0;
};

// Copies what matters of the page's elements.
int Marker::ReadPage(BlockNumber block, SlotState state, SlotInfo* slots) {
  const ElementLayout& layout = index_.layout;
  Buffer buffer = ReadBufferExtended(index_.rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy_);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  Page page = BufferGetPage(buffer);
  int n = 0;
  // A page within the file that was never written holds no element.
  if (!PageIsNew(page)) {
    CheckPage(index_.rel, page, block, PageKind::kGraph);
    const ElementId first = layout.FirstElementOn(block);
    for (uint32_t i = 0; i < layout.ElementsOn(block); i++) {
      const char* slot = page + kSlotsBegin + i * layout.slot_bytes();
      if (HeadAt(slot)->state != state) continue;
      const ElementTail* tail = TailAt(slot, layout);
      const int n_tids = std::min<int>(tail->n_tids, kInlineTids);
      SlotInfo* info = &slots[n++];
      *info = {first + i, tail->more_tids, n_tids, n_tids, {}, {}, false};
      std::copy(tail->tids, tail->tids + n_tids, info->tids);
    }
  }
  UnlockReleaseBuffer(buffer);
  return n;
}

// Says of each entry whether its row is alive; returns how many are.
int Marker::FindAlive(const TidEntry* entries, int n, bool* keep) {
  int kept = 0;
  for (int i = 0; i < n; i++) {
    ItemPointerData tid = TidOf(entries[i]);
    keep[i] = !is_dead_(&tid, arg_);
    kept += keep[i];
  }
  removed_ += n - kept;
  return kept;
}

// Takes the others out. The entries are those of the page, not those that were read
// before: a scan may have marked one as killed in between (MarkKilled takes no graph lock).
// Nothing else can have changed them.
void Compact(TidEntry* entries, int n, const bool* keep) {
  int kept = 0;
  for (int i = 0; i < n; i++) {
    if (keep[i]) entries[kept++] = entries[i];
  }
}

void Marker::MarkPage(BlockNumber block, SlotState state) {
  SlotInfo slots[kPageBytes / kSlotAlign];
  const int n = ReadPage(block, state, slots);
  bool any = false;
  for (int i = 0; i < n; i++) {
    SlotInfo* slot = &slots[i];
    slot->n_tids = FindAlive(slot->tids, slot->n_before, slot->keep);
    const bool has_more = slot->more_tids != kNoId && PruneContainers(slot->id, slot->more_tids);
    // Also an element that has none for another reason.
    const bool bare = slot->n_tids == 0 && !has_more && state == SlotState::kLinked;
    slot->changed = slot->n_tids < slot->n_before || bare;
    any |= slot->changed;
  }
  if (any) WritePage(block, slots, n);
}

// One record: all changed slots of the page, and the counts.
void Marker::WritePage(BlockNumber block, const SlotInfo* slots, int n) {
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Want(block);
  txn.Begin();
  Meta* meta = txn.meta();
  for (const SlotInfo* info = slots; info < slots + n; info++) {
    if (!info->changed) continue;
    char* slot = txn.slot(info->id);
    ElementTail* tail = TailAt(slot, index_.layout);
    tail->n_tids = info->n_tids;
    Compact(tail->tids, info->n_before, info->keep);
    tail->version++;
    meta->n_tids -= info->n_before - info->n_tids;
    const bool bare = tail->n_tids == 0 && tail->more_tids == kNoId;
    if (!bare || HeadAt(slot)->state != SlotState::kLinked) continue;
    HeadAt(slot)->state = SlotState::kDead;
    meta->n_linked--;
    meta->n_dead++;
    if (HeadAt(slot)->book == meta->book) continue;
    meta->n_exact--;
    meta->n_exact_when_learnt = ExactThenWithoutOne(meta->n_exact_when_learnt);
  }
  txn.Commit();
}

// Blocks in ascending order, each once. By runs: however many elements are pending, the metapage
// has no more of those than fit into it.
void Marker::MarkPending(GraphTurn* turn) {
  const ElementLayout& layout = index_.layout;
  PodVector<PendingRun> runs(ContextArena(CurrentMemoryContext));
  ReadPendingRuns(index_, &runs);
  std::sort(runs.begin(), runs.end(),
            [](const PendingRun& a, const PendingRun& b) { return a.first < b.first; });
  BlockNumber done = InvalidBlockNumber;
  for (const PendingRun& run : runs) {
    for (ElementId id = run.first; id < run.first + run.count;) {
      const BlockNumber block = layout.SlotBlock(id);
      if (block != done) {
        CHECK_FOR_INTERRUPTS();
        turn->Yield();
        MarkPage(block, SlotState::kPending);
        done = block;
      }
      id = layout.FirstElementOn(block) + layout.ElementsOn(block);
    }
  }
}

// A container each in a record of its own; one that becomes empty is freed.
// False if none is left.
bool Marker::PruneContainers(ElementId owner, ElementId first) {
  const ElementLayout& layout = index_.layout;
  TidEntry* entries = static_cast<TidEntry*>(palloc(layout.tids_capacity() * sizeof(TidEntry)));
  bool* keep = static_cast<bool*>(palloc(layout.tids_capacity() * sizeof(bool)));
  ElementId before = kNoId;
  CircleDetector circle;
  for (ElementId id = first; id != kNoId;) {
    CHECK_FOR_INTERRUPTS();
    CheckContainerExists(index_, owner, id);
    if (circle.Met(id)) {
      ReportDamage(index_.rel, index_.layout.SlotBlock(owner), owner,
                   psprintf("the chain of TID containers leads back to %u", id));
    }
    int n = 0;
    const ElementId next = ReadContainer(index_, owner, id, entries, &n);
    const int kept = FindAlive(entries, n, keep);
    if (kept == 0) {
      RemoveContainer(owner, before, id, n);
    } else {
      if (kept < n) PruneContainer(id, keep, kept, n);
      before = id;
    }
    id = next;
  }
  pfree(keep);
  pfree(entries);
  return before != kNoId;
}

void Marker::PruneContainer(ElementId id, const bool* keep, int n, int n_before) {
  const ElementLayout& layout = index_.layout;
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Want(layout.SlotBlock(id));
  txn.Begin();
  char* slot = txn.slot(id);
  TailAt(slot, layout)->n_links = n;
  TailAt(slot, layout)->version++;
  Compact(ContainerTidsAt(slot, layout), n_before, keep);
  txn.meta()->n_tids -= n_before - n;
  txn.Commit();
}

// Takes a container out of its chain and puts it on the free list.
void Marker::RemoveContainer(ElementId owner, ElementId before, ElementId id, int n_before) {
  const ElementLayout& layout = index_.layout;
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Want(layout.SlotBlock(id));
  txn.Want(layout.SlotBlock(before == kNoId ? owner : before));
  txn.Begin();
  const ElementId next = TailAt(txn.slot(id), layout)->next;
  if (before == kNoId) {
    TailAt(txn.slot(owner), layout)->more_tids = next;
  } else {
    TailAt(txn.slot(before), layout)->next = next;
  }
  txn.meta()->n_tid_slots--;
  txn.meta()->n_tids -= n_before;
  txn.FreeSlot(id);
  txn.Commit();
}

}  // namespace

VacuumCounts MarkDead(const HnswIndex& index, BufferAccessStrategy strategy,
                      bool (*is_dead)(ItemPointer tid, void* arg), void* arg) {
  Marker marker(index, strategy, is_dead, arg);
  LockGraph(index.rel);
  GraphTurn turn(index.rel, false, GraphTurn::kLong);
  marker.MarkPending(&turn);
  ForEachGraphBlock(index, [&](BlockNumber block) {
    turn.Yield();
    marker.MarkPage(block, SlotState::kLinked);
  });
  VacuumCounts counts;
  counts.tids_left = ReadMeta(index).n_tids;
  counts.tids_removed = marker.removed();
  UnlockGraph(index.rel);
  return counts;
}

}  // namespace hnswpg
