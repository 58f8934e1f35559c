// Cleanup, the first two steps: a live entry point, and live parents. The tree of
// parents holds everything at every moment: an element leaves its parent only when
// another element's list has it.
//
// Ways up and down the tree have an end because it is a tree. That is checked before
// the first of them is taken (CheckTree), and no step of the cleanup, and nothing that
// others link meanwhile, makes a circle: an element gets a parent that is not below it.
#include "hnswpg/core/tree/adoption.h"
#include "storage/cleanup/remover.h"
#include "storage/graph/parent_tree.h"

namespace hnswpg {

// ---- whether it is a tree ----

// Raises ERRCODE_INDEX_CORRUPTED where the parents of a live element go round in a
// circle. Looks at what was read and at no page. Yields: what others do meanwhile is not
// part of that. Nor does it matter that pages were read one after another: the only
// parent that ever changes while others have the lock is that of an entry point, once,
// from none to a new element.
//
// Of the dead, only those above a live element count: others may be left of a cleanup
// that was cut short while it freed them.
bool Remover::CheckTree() {
  for (ElementId id = 0; id < end_; id++) {
    if (id % 1024 == 0 && !Yield()) return false;
    if (!IsLinked(id)) continue;
    const ElementId circle = FindCircle(
        id, [this](ElementId at) { return InGraph(at); },
        [this](ElementId at) { return known_[at].parent; },
        [this](ElementId at) -> Chain& { return known_[at].chain; });
    if (circle == kNoId) continue;
    ReportDamage(index_.rel, index_.layout.SlotBlock(circle), circle,
                 "its chain of parents leads back to it");
  }
  return true;
}

// ---- 1. the entry point ----

// The highest live element that can take the old entry point as its child. Does not
// yield.
void Remover::ReplaceEntry() {
  if (entry_ == kNoId || !IsDead(entry_)) return;
  const ElementId old_entry = entry_;
  int top = -1;
  for (ElementId id = 0; id < end_; id++) {
    if (IsLinked(id)) top = std::max<int>(top, known_[id].level);
  }
  for (int level = top; level >= 0; level--) {
    for (ElementId id = 0; id < end_; id++) {
      if (known_[id].level != level || !IsLinked(id)) continue;
      CHECK_FOR_INTERRUPTS();
      if (TryEntry(id, old_entry)) return;
    }
  }
  if (RaiseToEntry()) return;
  // Nothing is alive.
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Begin();
  txn.meta()->entry = kNoId;
  txn.meta()->entry_level = 0;
  txn.Commit();
  entry_ = kNoId;
}

bool Remover::TryEntry(ElementId entry, ElementId old_entry) {
  if (!editor_.AddLink(entry, 0, old_entry, true)) return false;
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Want(index_.layout.SlotBlock(entry));
  txn.Want(index_.layout.SlotBlock(old_entry));
  txn.Begin();
  TailAt(txn.slot(entry), index_.layout)->parent = kNoId;
  TailAt(txn.slot(old_entry), index_.layout)->parent = entry;
  txn.meta()->entry = entry;
  txn.meta()->entry_level = known_[entry].level;
  txn.Commit();
  rerouted_ = true;
  known_[entry].parent = kNoId;
  known_[old_entry].parent = entry;
  entry_ = entry;
  return true;
}

// Every live element's list is full of children, dead ones too, which have to stay
// until their own are adopted. So the highest one changes places with its parents
// until it is the root. False if nothing is alive.
bool Remover::RaiseToEntry() {
  ElementId highest = kNoId;
  for (ElementId id = 0; id < end_; id++) {
    if (!IsLinked(id)) continue;
    if (highest == kNoId || known_[id].level > known_[highest].level) highest = id;
  }
  if (highest == kNoId) return false;
  while (known_[highest].parent != kNoId) {
    CHECK_FOR_INTERRUPTS();
    SwapUp(highest);
  }
  entry_ = highest;
  return true;
}

// SwapWithParent, with what is known. Returns the child that came under the former
// parent, kNoId if none did.
ElementId Remover::SwapUp(ElementId id) {
  // The record has no room for the metapage, so that is told before and after it.
  ChangeReroutings(BeginRerouting);
  const ParentSwap swap = SwapWithParent(index_, id);
  ChangeReroutings(EndRerouting);
  rerouted_ = false;
  known_[id].parent = swap.parent;
  if (swap.demoted != kNoId) known_[swap.demoted].parent = id;
  if (swap.displaced != kNoId && swap.displaced < end_) {
    known_[swap.displaced].parent = swap.demoted;
  }
  return swap.displaced;
}

// ---- 2. new parents ----

// A parent that nothing is known of is an entry point that was linked meanwhile.
bool Remover::IsOrphan(ElementId id) const {
  if (!IsLinked(id) || id == entry_) return false;
  return known_[id].parent == kNoId || IsDead(known_[id].parent);
}

// Of those linked while others had the lock. Without yielding in between, unless one's
// dead parents have to change places with it (Raise).
bool Remover::AdoptFresh() {
  for (; n_adopted_ < fresh_.size(); n_adopted_++) {
    const ElementId id = fresh_[n_adopted_];
    if (!IsOrphan(id) || AdoptNear(id) || AdoptAnywhere(id)) continue;
    if (!AdoptOrphans()) return false;
  }
  CountRerouting();
  return true;
}

// Yields between elements. Elements linked meanwhile may be orphans afterwards.
bool Remover::AdoptOrphans() {
  for (bool parts_hold = false; !parts_hold;) {
    if (!AdoptParts(&parts_hold)) return false;
  }
  CountRerouting();
  return true;
}

// *parts_hold: false if it has to be done again (Raise).
bool Remover::AdoptParts(bool* parts_hold) {
  PodVector<ElementId> orphans(ContextArena(CurrentMemoryContext));
  for (ElementId id = 0; id < end_; id++) {
    if (id % kStride == 0 && !Yield()) return false;
    if (IsOrphan(id)) orphans.Push(id);
    PlaceInPart(id);
  }
  const auto near = [this](ElementId id) {
    if (!Yield()) return Adoption::kStopped;
    return AdoptNear(id) ? Adoption::kDone : Adoption::kFailed;
  };
  const Adoption all = AdoptAll(orphans.begin(), orphans.size(), near,
                                [this](ElementId id) { return AdoptAnywhere(id); });
  *parts_hold = all == Adoption::kDone;
  return all != Adoption::kStopped;
}

// The first step of the element's way to the top of its part of the tree.
void Remover::PlaceInPart(ElementId id) {
  const ElementId parent = known_[id].parent;
  known_[id].up = IsOrphan(id) || !IsLinked(id) || id == entry_ ? id
                  : IsLinked(parent)                            ? parent
                                                                : entry_;
}

// An entry point that nothing is known of has no place in known_.
ElementId Remover::Top(ElementId id) {
  return TopOfPart(id, end_, [this](ElementId at) -> ElementId& { return known_[at].up; });
}

bool Remover::TryParent(ElementId parent, ElementId orphan) {
  if (!IsLinked(parent) || Top(parent) != entry_ || !editor_.AddLink(parent, 0, orphan, true))
    return false;
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(index_.layout.SlotBlock(orphan));
  txn.Begin();
  TailAt(txn.slot(orphan), index_.layout)->parent = parent;
  txn.Commit();
  rerouted_ = true;
  known_[orphan].parent = parent;
  known_[orphan].up = parent;
  return true;
}

// Told to scans before ways are cut that the elements which have been moved could be
// reached by: a walk may have passed the new parent before it had its child, and would
// not come by the old one any more. It sees that the count has changed, and walks
// again.
void Remover::CountRerouting() {
  if (rerouted_) ChangeReroutings(EndRerouting);
  rerouted_ = false;
}

void Remover::ChangeReroutings(uint32_t (*next)(uint32_t)) {
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Begin();
  txn.meta()->n_reroutings = next(txn.meta()->n_reroutings);
  txn.Commit();
}

bool Remover::AdoptNear(ElementId orphan) {
  ElementId links[kMaxLinks];
  const int n = ReadList(index_, {orphan, 0, kNoId}, links);
  Gather(orphan, 0, links, n);
  near_.Sort();
  for (int i = 0; i < near_.size(); i++) {
    if (TryParent(near_.id(i), orphan)) return true;
  }
  return false;
}

// With what a search finds; else down the tree from the entry point, where there
// is room at a leaf if not before. False if what is known of the parts of the tree
// no longer holds.
bool Remover::AdoptAnywhere(ElementId orphan) {
  near_.Clear();
  SearchNear(orphan, 0);
  near_.Sort();
  for (int i = 0; i < near_.size(); i++) {
    if (TryParent(near_.id(i), orphan)) return true;
  }
  for (ElementId at = entry_; !TryParent(at, orphan);) {
    CHECK_FOR_INTERRUPTS();
    const ElementId before = at;
    ElementId links[kMaxLinks];
    const int n = ReadList(index_, {at, 0, kNoId}, links);
    for (int i = 0; i < n && at == before; i++) {
      if (IsLinked(links[i]) && known_[links[i]].parent == before) at = links[i];
    }
    // Full of dead children, which have to stay until their own are adopted.
    if (at == before) return Raise(orphan);
  }
  return true;
}

// The orphan and the dead above it change places, one after another, until its
// parent is alive. False if a live child has come under a dead parent on the way:
// then what is known of the parts of the tree no longer holds. That happens
// seldom, and each time the dead one has fewer elements below it than before.
bool Remover::Raise(ElementId orphan) {
  bool parts_hold = true;
  while (IsOrphan(orphan)) {
    CHECK_FOR_INTERRUPTS();
    const ElementId displaced = SwapUp(orphan);
    parts_hold &= displaced == kNoId || !IsLinked(displaced);
  }
  const ElementId parent = known_[orphan].parent;
  known_[orphan].up = IsLinked(parent) ? parent : entry_;
  return parts_hold;
}

}  // namespace hnswpg
