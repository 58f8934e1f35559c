// A rotation of the tree of parents (hnswpg/core/tree/swap.h). Reads slots one at a time,
// then changes all in one record.
#include "storage/graph/parent_tree.h"

#include "hnswpg/core/format/link_slot.h"
#include "hnswpg/core/tree/swap.h"
#include "hnswpg/storage/graph/slot_reader.h"
#include "hnswpg/storage/page/page_txn.h"

namespace hnswpg {
namespace {

SlotCopy ReadInGraph(const HnswIndex& index, ElementId id, ElementId child) {
  if (id >= ReadMeta(index).next_element) {
    ReportDamage(index.rel, index.layout.SlotBlock(child), child, "the parent does not exist");
  }
  SlotCopy copy;
  ReadSlot(index, id, &copy, nullptr);
  const bool in_graph =
      copy.head.state == SlotState::kLinked || copy.head.state == SlotState::kDead;
  if (!in_graph || !copy.HasLink(child)) {
    ReportDamage(index.rel, index.layout.SlotBlock(id), id,
                 psprintf("has no link to element %u, which is its child", child));
  }
  return copy;
}

// What the change is made of. `grandparent` is kNoId where the parent is the entry
// point.
struct Change {
  ElementId id;
  ElementId parent;
  ElementId grandparent;
  SwapPlan plan;
};

void Apply(const HnswIndex& index, const Change& change, const ElementHead& head) {
  const ElementLayout& layout = index.layout;
  const bool at_root = change.grandparent == kNoId;
  PageTxn txn(index, WriteMode::kLogged);
  txn.Want(at_root ? kMetaBlock : layout.SlotBlock(change.grandparent));
  txn.Want(layout.SlotBlock(change.parent));
  txn.Want(layout.SlotBlock(change.id));
  if (change.plan.displaced != kNoId) txn.Want(layout.SlotBlock(change.plan.displaced));
  txn.Begin();
  if (at_root) {
    txn.meta()->entry = change.id;
    txn.meta()->entry_level = head.level;
  } else {
    LinkSlot(txn.slot(change.grandparent), layout).Replace(change.parent, change.id);
  }
  TailAt(txn.slot(change.id), layout)->parent = change.grandparent;
  TailAt(txn.slot(change.parent), layout)->parent = change.id;
  LinkSlot own(txn.slot(change.id), layout);
  if (change.plan.over != kNoId) own.Replace(change.plan.over, change.parent);
  if (change.plan.add) own.Append(change.parent);
  if (change.plan.displaced != kNoId) {
    LinkSlot(txn.slot(change.parent), layout).Replace(change.id, change.plan.displaced);
    TailAt(txn.slot(change.plan.displaced), layout)->parent = change.parent;
  }
  txn.Commit();
}

// The grandparent links to the element already: nobody has to give way.
void MoveUp(const HnswIndex& index, ElementId id, ElementId grandparent) {
  PageTxn txn(index, WriteMode::kLogged);
  txn.Want(index.layout.SlotBlock(id));
  txn.Begin();
  TailAt(txn.slot(id), index.layout)->parent = grandparent;
  txn.Commit();
}

}  // namespace

ParentSwap SwapWithParent(const HnswIndex& index, ElementId id) {
  SlotCopy self;
  ReadSlot(index, id, &self, nullptr);
  const ElementId parent = self.tail.parent;
  const SlotCopy above = ReadInGraph(index, parent, id);
  const ElementId grandparent = above.tail.parent;
  if (parent == id || grandparent == id || grandparent == parent) {
    ReportDamage(index.rel, index.layout.SlotBlock(id), id,
                 "its chain of parents leads back to it");
  }
  if (grandparent == kNoId && ReadMeta(index).entry != parent) {
    ReportDamage(index.rel, index.layout.SlotBlock(parent), parent,
                 "has no parent, but is not the entry point");
  }
  const bool linked_by_grandparent =
      grandparent != kNoId && ReadInGraph(index, grandparent, parent).HasLink(id);
  const SwapView view = {
      id, parent, self.links, self.tail.n_links, index.layout.max_links(0), linked_by_grandparent};
  const SwapPlan plan = PlanSwap(view, [&index](ElementId neighbour) {
    SlotCopy copy;
    ReadSlot(index, neighbour, &copy, nullptr);
    return SwapNeighbour{copy.tail.parent, copy.head.state == SlotState::kDead};
  });
  if (plan.moves_up) {
    MoveUp(index, id, grandparent);
    return {grandparent, kNoId, kNoId};
  }
  Apply(index, {id, parent, grandparent, plan}, self.head);
  return {grandparent, parent, plan.displaced};
}

}  // namespace hnswpg
