// Cleanup, the last step: the slots of the dead, to which nothing leads any more, go
// to the free lists. Others may have the graph lock between pages: whatever they
// link is found by a walk from the entry point, so never one of these.
//
// From the last page to the first, and so on each page, so that the free list hands
// out ascending ids: the pending list holds runs of them.
#include "hnswpg/core/format/link_slot.h"
#include "storage/cleanup/remover.h"

namespace hnswpg {

bool Remover::FreeDead(uint32_t* freed) {
  for (ElementId end = end_; end > 0;) {
    const ElementId last = end - 1;
    if (!IsDead(last)) {
      end--;
      continue;
    }
    CHECK_FOR_INTERRUPTS();
    // What others link now is of no concern.
    if (!turn_.Yield()) return false;
    const BlockNumber block = index_.layout.SlotBlock(last);
    end = index_.layout.FirstElementOn(block);
    for (ElementId id = end; id <= last; id++) {
      if (IsDead(id) && known_[id].level > 0) FreeUppers(id);
    }
    *freed += FreeOnPage(block);
  }
  return true;
}

// One list after another off the front of the chain, a record each.
void Remover::FreeUppers(ElementId id) {
  for (;;) {
    SlotCopy copy;
    ReadSlot(index_, id, &copy, nullptr);
    const UpperId upper = copy.tail.upper;
    if (upper == kNoId) return;
    CheckUpperExists(index_, id, upper);
    PageTxn txn(index_, WriteMode::kLogged);
    txn.Want(kMetaBlock);
    txn.Want(index_.layout.UpperBlock(upper));
    txn.Want(index_.layout.SlotBlock(id));
    txn.Begin();
    UpperHead* head = txn.upper(upper);
    if (head->owner != id) {
      ReportDamage(index_.rel, index_.layout.UpperBlock(upper), id,
                   psprintf("refers to upper list %u, which is not its own", upper));
    }
    TailAt(txn.slot(id), index_.layout)->upper = head->next;
    head->owner = kNoId;
    LinkSlot(head, index_.layout).Clear();
    head->next = txn.meta()->free_uppers;
    txn.meta()->free_uppers = upper;
    txn.meta()->n_free_uppers++;
    txn.Commit();
  }
}

// All dead elements of a page in one record. They are forgotten: the slots may be
// other elements' at once.
uint32_t Remover::FreeOnPage(BlockNumber block) {
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Want(block);
  txn.Begin();
  uint32_t freed = 0;
  const ElementId first = index_.layout.FirstElementOn(block);
  for (ElementId id = first + index_.layout.ElementsOn(block); id-- > first;) {
    if (!IsDead(id)) continue;
    txn.FreeSlot(id);
    txn.meta()->n_dead--;
    freed++;
  }
  txn.Commit();
  for (ElementId id = first; id < first + index_.layout.ElementsOn(block); id++) {
    if (IsDead(id)) known_[id].state = SlotState::kFree;
  }
  return freed;
}

}  // namespace hnswpg
