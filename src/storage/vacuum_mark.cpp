// VACUUM, first half: removing dead heap TIDs and marking elements that have
// none left. Runs under the graph lock, which it yields between pages. Elements
// that are added or linked meanwhile have TIDs of rows that are alive, so it does
// not matter where in the pass they appear, nor that a TID may move into an equal
// element behind it.
//
// Cost-based delays are left out on purpose: insertions wait for the graph lock.
#include <algorithm>

#include "hnswpg/storage/graph_blocks.h"
#include "hnswpg/storage/page_txn.h"
#include "hnswpg/storage/slot_reader.h"
#include "hnswpg/storage/vacuum.h"

namespace hnswpg {
namespace {

class Marker {
 public:
  Marker(const Index& index, BufferAccessStrategy strategy, bool (*is_dead)(ItemPointer, void*),
         void* arg)
      : index_(index), strategy_(strategy), is_dead_(is_dead), arg_(arg) {}

  void MarkPage(BlockNumber block);
  const VacuumCounts& counts() const { return counts_; }

 private:
  struct SlotInfo {
    ElementId id;
    SlotState state;
    ElementId more_tids;
    int n_tids;
    TidEntry tids[kInlineTids];
  };
  int ReadPage(BlockNumber block, SlotInfo* slots);
  int KeepAlive(const TidEntry* from, int n, TidEntry* to);
  bool PruneContainers(ElementId owner, ElementId first);
  void RemoveContainer(ElementId owner, ElementId before, ElementId id);
  void WritePage(BlockNumber block, const SlotInfo* slots, const bool* changed, int n);

  const Index& index_;
  BufferAccessStrategy strategy_;
  bool (*is_dead_)(ItemPointer, void*);
  void* arg_;
  VacuumCounts counts_;
};

// Copies what matters of the page's elements.
int Marker::ReadPage(BlockNumber block, SlotInfo* slots) {
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
      const SlotState state = HeadAt(slot)->state;
      if (state != SlotState::kLinked && state != SlotState::kPending) continue;
      const ElementTail* tail = TailAt(slot, layout);
      SlotInfo* info = &slots[n++];
      *info = {first + i, state, tail->more_tids, std::min<int>(tail->n_tids, kInlineTids), {}};
      std::copy(tail->tids, tail->tids + info->n_tids, info->tids);
    }
  }
  UnlockReleaseBuffer(buffer);
  return n;
}

// Copies the entries whose rows are alive; `to` may be `from`.
int Marker::KeepAlive(const TidEntry* from, int n, TidEntry* to) {
  int kept = 0;
  for (int i = 0; i < n; i++) {
    ItemPointerData tid = TidOf(from[i]);
    if (is_dead_(&tid, arg_)) continue;
    to[kept++] = from[i];
  }
  counts_.tids_left += kept;
  counts_.tids_removed += n - kept;
  return kept;
}

void Marker::MarkPage(BlockNumber block) {
  SlotInfo slots[kPageBytes / kSlotAlign];
  bool changed[kPageBytes / kSlotAlign];
  const int n = ReadPage(block, slots);
  bool any = false;
  for (int i = 0; i < n; i++) {
    SlotInfo* slot = &slots[i];
    const int before = slot->n_tids;
    slot->n_tids = KeepAlive(slot->tids, before, slot->tids);
    const bool has_more = slot->more_tids != kNoId && PruneContainers(slot->id, slot->more_tids);
    // Also an element that has none for another reason.
    const bool bare = slot->n_tids == 0 && !has_more && slot->state == SlotState::kLinked;
    changed[i] = slot->n_tids < before || bare;
    any |= changed[i];
  }
  if (any) WritePage(block, slots, changed, n);
}

// One record: all changed slots of the page, and the counts.
void Marker::WritePage(BlockNumber block, const SlotInfo* slots, const bool* changed, int n) {
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Want(block);
  txn.Begin();
  for (int i = 0; i < n; i++) {
    if (!changed[i]) continue;
    char* slot = txn.slot(slots[i].id);
    ElementTail* tail = TailAt(slot, index_.layout);
    tail->n_tids = slots[i].n_tids;
    std::copy(slots[i].tids, slots[i].tids + slots[i].n_tids, tail->tids);
    tail->version++;
    if (slots[i].state == SlotState::kLinked && tail->n_tids == 0 && tail->more_tids == kNoId) {
      HeadAt(slot)->state = SlotState::kDead;
      txn.meta()->n_linked--;
      txn.meta()->n_dead++;
    }
  }
  txn.Commit();
}

// A container each in a record of its own; one that becomes empty is freed.
// False if none is left.
bool Marker::PruneContainers(ElementId owner, ElementId first) {
  const ElementLayout& layout = index_.layout;
  TidEntry* entries = static_cast<TidEntry*>(palloc(layout.tids_capacity() * sizeof(TidEntry)));
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
    const int kept = KeepAlive(entries, n, entries);
    if (kept == 0) {
      RemoveContainer(owner, before, id);
    } else {
      if (kept < n) {
        PageTxn txn(index_, WriteMode::kLogged);
        txn.Want(layout.SlotBlock(id));
        txn.Begin();
        char* slot = txn.slot(id);
        TailAt(slot, layout)->n_links = kept;
        TailAt(slot, layout)->version++;
        std::copy(entries, entries + kept, ContainerTidsAt(slot, layout));
        txn.Commit();
      }
      before = id;
    }
    id = next;
  }
  pfree(entries);
  return before != kNoId;
}

// Takes a container out of its chain and puts it on the free list.
void Marker::RemoveContainer(ElementId owner, ElementId before, ElementId id) {
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
  txn.FreeSlot(id);
  txn.Commit();
}

}  // namespace

VacuumCounts MarkDead(const Index& index, BufferAccessStrategy strategy,
                      bool (*is_dead)(ItemPointer tid, void* arg), void* arg) {
  Marker marker(index, strategy, is_dead, arg);
  GraphTurn turn(index.rel);
  ForEachGraphBlock(index, [&](BlockNumber block) {
    turn.Yield();
    marker.MarkPage(block);
  });
  return marker.counts();
}

}  // namespace hnswpg
