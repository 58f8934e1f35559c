// A rotation of the tree of parents. Reads slots one at a time, then changes all in
// one record.
#include "hnswpg/storage/tree.h"

#include <algorithm>

#include "hnswpg/storage/page_txn.h"
#include "hnswpg/storage/slot_reader.h"

namespace hnswpg {
namespace {

SlotCopy ReadInGraph(const Index& index, ElementId id, ElementId child) {
  if (id >= ReadMeta(index).next_element) {
    ReportDamage(index.rel, index.layout.SlotBlock(child), child, "the parent does not exist");
  }
  SlotCopy copy;
  ReadSlot(index, id, &copy, nullptr);
  if (!copy.HasLink(child)) {
    ReportDamage(index.rel, index.layout.SlotBlock(id), id,
                 psprintf("has no link to element %u, which is its child", child));
  }
  return copy;
}

// Which link of the element's full list gives way.
struct Victim {
  ElementId id;
  bool is_child;
};

Victim ChooseVictim(const Index& index, ElementId id, const SlotCopy& copy) {
  Victim victim = {kNoId, true};
  for (int i = 0; i < copy.tail.n_links; i++) {
    SlotCopy other;
    ReadSlot(index, copy.links[i], &other, nullptr);
    if (other.tail.parent != id) return {copy.links[i], false};
    if (victim.id == kNoId || other.head.state == SlotState::kDead) victim.id = copy.links[i];
  }
  return victim;
}

void ReplaceLink(const Index& index, char* slot, ElementId from, ElementId to) {
  ElementId* links = LinksAt(slot, index.layout);
  ElementId* end = links + TailAt(slot, index.layout)->n_links;
  if (std::find(links, end, to) == end) *std::find(links, end, from) = to;
}

}  // namespace

Swap SwapWithParent(const Index& index, ElementId id) {
  const ElementLayout& layout = index.layout;
  SlotCopy self;
  ReadSlot(index, id, &self, nullptr);
  const ElementId parent = self.tail.parent;
  const SlotCopy above = ReadInGraph(index, parent, id);
  const ElementId grandparent = above.tail.parent;
  const SlotCopy top = ReadInGraph(index, grandparent, parent);

  // The grandparent links to both: nobody has to give way.
  const bool linked_already = top.HasLink(id);
  const bool has_room = self.HasLink(parent) || self.tail.n_links < layout.max_links(0);
  Victim victim = {kNoId, false};
  if (!linked_already && !has_room) victim = ChooseVictim(index, id, self);
  const ElementId displaced = victim.is_child ? victim.id : kNoId;

  PageTxn txn(index, WriteMode::kLogged);
  txn.Want(layout.SlotBlock(id));
  if (!linked_already) {
    txn.Want(layout.SlotBlock(parent));
    txn.Want(layout.SlotBlock(grandparent));
    if (displaced != kNoId) txn.Want(layout.SlotBlock(displaced));
  }
  txn.Begin();
  TailAt(txn.slot(id), layout)->parent = grandparent;
  if (!linked_already) {
    ReplaceLink(index, txn.slot(grandparent), parent, id);
    TailAt(txn.slot(parent), layout)->parent = id;
    if (victim.id != kNoId) {
      ReplaceLink(index, txn.slot(id), victim.id, parent);
    } else if (!self.HasLink(parent)) {
      ElementTail* tail = TailAt(txn.slot(id), layout);
      LinksAt(txn.slot(id), layout)[tail->n_links++] = parent;
    }
    if (displaced != kNoId) {
      ReplaceLink(index, txn.slot(parent), id, displaced);
      TailAt(txn.slot(displaced), layout)->parent = parent;
    }
  }
  txn.Commit();
  return {grandparent, linked_already ? kNoId : parent, displaced};
}

}  // namespace hnswpg
