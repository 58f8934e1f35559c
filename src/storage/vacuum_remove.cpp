// VACUUM, second half: taking dead elements out of the graph.
//
// In this order, each step complete before the next begins, so that the graph is
// whole at every moment (src/storage/README.md, "VACUUM"):
//   1. a dead entry point hands over to a live one, and becomes its child;
//   2. every live child of a dead element gets a live parent;
//   3. every list of a live element that has dead neighbours is chosen anew from
//      its live neighbours and those of the dead;
//   4. nothing alive leads to the dead any more: their slots are freed.
// Everything happens under the graph lock. Steps 1 to 3 are done twice: while the
// lock is yielded to others now and then, and again, with little left to do,
// while it is not.
#include <algorithm>
#include <new>

#include "hnswpg/storage/linker.h"
#include "hnswpg/storage/tree.h"
#include "hnswpg/storage/vacuum.h"

namespace hnswpg {
namespace {

class Remover {
 public:
  explicit Remover(const Index& index);
  uint32_t Run();

 private:
  // What is known of every element; read once, kept up to date.
  struct Known {
    ElementId parent;
    // Union-find over parents that are alive: the way to the top of the part of
    // the tree that this element is in. The top is the entry point, or a child of
    // a dead element.
    ElementId up;
    SlotState state;
    uint8_t level;
  };

  void Mend(bool yield);
  void Yield() {
    CHECK_FOR_INTERRUPTS();
    if (yield_) turn_.Yield();
  }

  void ReadAll();
  // As of ReadAll. What was dead stays dead; of elements linked since then nothing
  // is known.
  bool IsDead(ElementId id) const { return id < end_ && known_[id].state == SlotState::kDead; }
  bool IsLinked(ElementId id) const { return id < end_ && known_[id].state == SlotState::kLinked; }

  void ReplaceEntry();
  bool TryEntry(ElementId entry, ElementId old_entry);
  bool RaiseToEntry();

  bool AdoptOrphans();
  ElementId Top(ElementId id);
  bool IsOrphan(ElementId id) const;
  bool AdoptNear(ElementId orphan);
  bool AdoptAnywhere(ElementId orphan);
  bool Raise(ElementId orphan);
  ElementId SwapUp(ElementId id);
  bool TryParent(ElementId parent, ElementId orphan);

  void MendLists();
  void MendList(ElementId id, int level);

  void Gather(ElementId id, int level);
  void AddCandidate(ElementId id, ElementId base, bool keep = false);
  void SearchNear(ElementId id, int level);

  uint32_t FreeDead();
  void FreeUppers(ElementId id);
  uint32_t FreeOnPage(BlockNumber block);

  const Index& index_;
  bool yield_ = false;
  GraphTurn turn_;
  ElementId entry_ = kNoId;
  Known* known_ = nullptr;
  uint32_t end_ = 0;  // elements in known_
  char* code_;
  PageGraph graph_;
  PageWalk walk_;
  ListEditor editor_;
  CandidateSet near_;
};

// So many candidates are looked at for a list, at most: the live neighbours, then
// neighbours of the dead ones, then what a search finds.
int MaxCandidates(const Index& index) {
  return 8 * index.layout.m() + index.parameters.ef_construction;
}

Remover::Remover(const Index& index)
    : index_(index),
      turn_(index.rel),
      code_(static_cast<char*>(palloc(index.space.code_bytes()))),
      graph_(&index, code_),
      walk_(&graph_, ContextArena(CurrentMemoryContext)),
      editor_(&index, WriteMode::kLogged),
      near_(&index, MaxCandidates(index)) {}

uint32_t Remover::Run() {
  LinkAllPending(index_, WriteMode::kLogged);
  // Once while others may link elements between ours, which does nearly all of
  // the work; then, if others did, again with the lock held to the end.
  Mend(true);
  if (turn_.has_yielded()) Mend(false);
  return FreeDead();
}

void Remover::Mend(bool yield) {
  yield_ = yield;
  ReadAll();
  ReplaceEntry();
  if (entry_ == kNoId) return;
  while (!AdoptOrphans()) ReadAll();
  MendLists();
}

void Remover::ReadAll() {
  const Meta meta = ReadMeta(index_);
  entry_ = meta.entry;
  end_ = meta.next_element;
  if (known_) pfree(known_);
  known_ = static_cast<Known*>(
      MemoryContextAllocHuge(CurrentMemoryContext, static_cast<Size>(end_) * sizeof(Known)));
  for (ElementId id = 0; id < end_; id++) {
    CHECK_FOR_INTERRUPTS();
    SlotCopy copy;
    ReadSlot(index_, id, &copy, nullptr);
    known_[id] = {copy.tail.parent, kNoId, copy.head.state, copy.head.level};
    const bool in_graph = IsDead(id) || IsLinked(id);
    if (in_graph && copy.tail.parent != kNoId && copy.tail.parent >= end_) {
      ReportDamage(index_.rel, index_.layout.SlotBlock(id), id, "the parent does not exist");
    }
  }
}

// ---- 1. the entry point ----

// The highest live element that can take the old entry point as its child.
void Remover::ReplaceEntry() {
  if (entry_ == kNoId || !IsDead(entry_)) return;
  const ElementId old_entry = entry_;
  for (int level = kMaxLevel; level >= 0; level--) {
    for (ElementId id = 0; id < end_; id++) {
      if (known_[id].level == level && IsLinked(id) && TryEntry(id, old_entry)) return;
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
  while (known_[highest].parent != kNoId) SwapUp(highest);
  entry_ = highest;
  return true;
}

// SwapWithParent, with what is known. Returns the child that came under the former
// parent, kNoId if none did.
ElementId Remover::SwapUp(ElementId id) {
  const Swap swap = SwapWithParent(index_, id);
  known_[id].parent = swap.parent;
  if (swap.demoted != kNoId) known_[swap.demoted].parent = id;
  if (swap.displaced != kNoId && swap.displaced < end_) {
    known_[swap.displaced].parent = swap.demoted;
  }
  return swap.displaced;
}

// ---- 2. new parents ----

// A parent that nothing is known of was linked since ReadAll: the entry point that
// followed ours.
bool Remover::IsOrphan(ElementId id) const {
  if (!IsLinked(id) || id == entry_) return false;
  return known_[id].parent == kNoId || IsDead(known_[id].parent);
}

// The top of the element's part of the tree, by path halving.
ElementId Remover::Top(ElementId id) {
  while (known_[id].up != id) {
    known_[id].up = known_[known_[id].up].up;
    id = known_[id].up;
  }
  return id;
}

// An orphan goes under an element of the entry point's own part, so no element
// can become its own ancestor. The orphans whose neighbours are all in other
// parts wait for those to be adopted. False if it has to be done again (Raise).
bool Remover::AdoptOrphans() {
  PodVector<ElementId> waiting(ContextArena(CurrentMemoryContext));
  for (ElementId id = 0; id < end_; id++) {
    const bool orphan = IsOrphan(id);
    if (orphan) waiting.Push(id);
    const ElementId parent = known_[id].parent;
    known_[id].up = orphan || !IsLinked(id) || id == entry_ ? id
                    : IsLinked(parent)                      ? parent
                                                            : entry_;
  }
  while (!waiting.empty()) {
    size_t left = 0;
    for (size_t i = 0; i < waiting.size(); i++) {
      Yield();
      if (!AdoptNear(waiting[i])) waiting[left++] = waiting[i];
    }
    if (left == waiting.size() && !AdoptAnywhere(waiting[--left])) return false;
    waiting.Truncate(left);
  }
  return true;
}

bool Remover::TryParent(ElementId parent, ElementId orphan) {
  if (!IsLinked(parent) || Top(parent) != entry_ || !editor_.AddLink(parent, 0, orphan, true))
    return false;
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(index_.layout.SlotBlock(orphan));
  txn.Begin();
  TailAt(txn.slot(orphan), index_.layout)->parent = parent;
  txn.Commit();
  known_[orphan].parent = parent;
  known_[orphan].up = parent;
  return true;
}

bool Remover::AdoptNear(ElementId orphan) {
  Gather(orphan, 0);
  near_.Sort();
  for (int i = 0; i < near_.size(); i++) {
    if (TryParent(near_.id(i), orphan)) return true;
  }
  return false;
}

// With what a search finds; else down the tree from the entry point, where there
// is room at a leaf if not before.
bool Remover::AdoptAnywhere(ElementId orphan) {
  near_.Clear();
  SearchNear(orphan, 0);
  near_.Sort();
  for (int i = 0; i < near_.size(); i++) {
    if (TryParent(near_.id(i), orphan)) return true;
  }
  for (ElementId at = entry_; !TryParent(at, orphan);) {
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
    const ElementId displaced = SwapUp(orphan);
    // One that nothing is known of is alive.
    parts_hold &= displaced == kNoId || IsDead(displaced);
  }
  const ElementId parent = known_[orphan].parent;
  known_[orphan].up = IsLinked(parent) ? parent : entry_;
  return parts_hold;
}

// ---- 3. lists ----

void Remover::MendLists() {
  for (ElementId id = 0; id < end_; id++) {
    if (!IsLinked(id)) continue;
    Yield();
    for (int level = known_[id].level; level >= 0; level--) MendList(id, level);
  }
}

void Remover::MendList(ElementId id, int level) {
  ListPlace place;
  ElementId links[kMaxLinks];
  if (!FindList(index_, id, level, &place)) return;
  const int n = ReadList(index_, place, links);
  if (std::none_of(links, links + n, [this](ElementId other) { return IsDead(other); })) return;
  Gather(id, level);
  if (level == 0 && known_[id].parent != kNoId) AddCandidate(known_[id].parent, id);
  if (near_.size() < index_.layout.m()) SearchNear(id, level);
  near_.Select(index_.layout.max_links(level), level == 0 ? id : kNoId, kNoId);
  int count = near_.n_chosen();
  for (int i = 0; i < count; i++) links[i] = near_.chosen(i);
  // As many as before, with the nearest of those the heuristic passed over: a
  // shorter list costs recall (the paper's keepPrunedConnections).
  for (int i = 0; i < near_.size() && count < n; i++) {
    if (std::find(links, links + count, near_.id(i)) == links + count) links[count++] = near_.id(i);
  }
  WriteList(index_, WriteMode::kLogged, place, links, count);
}

// ---- candidates ----

// Whether it is linked is asked of the slot itself: the list may hold elements
// that were linked since ReadAll, the owner's children among them.
void Remover::AddCandidate(ElementId id, ElementId base, bool keep) {
  if (id == base || IsDead(id) || near_.size() == near_.capacity() || near_.Contains(id)) return;
  near_.Add(id, code_, keep);
  if (near_.state(near_.size() - 1) != SlotState::kLinked) near_.DropLast();
}

// The live neighbours of `id`, which stay its neighbours, and those of its dead
// neighbours, which compete for the places of the dead. Makes `id` the
// query of graph_.
void Remover::Gather(ElementId id, int level) {
  near_.Clear();
  SlotCopy copy;
  ReadSlot(index_, id, &copy, code_);
  ElementId links[kMaxLinks];
  const int n = graph_.ReadLinks(id, level, links);
  for (int i = 0; i < n; i++) AddCandidate(links[i], id, true);
  for (int i = 0; i < n; i++) {
    if (!IsDead(links[i])) continue;
    ElementId beyond[kMaxLinks];
    const int n_beyond = graph_.ReadLinks(links[i], level, beyond);
    for (int j = 0; j < n_beyond; j++) AddCandidate(beyond[j], id);
  }
}

// What a search from the entry point finds near `id`, which Gather was last
// called for.
void Remover::SearchNear(ElementId id, int level) {
  // The entry point may be of a lower level than the highest element (TryEntry).
  if (known_[entry_].level < level) return;
  SlotCopy copy;
  ReadSlot(index_, id, &copy, code_);
  walk_.Begin();
  ElementId at = entry_;
  if (known_[entry_].level > level) at = walk_.Descend(at, known_[entry_].level, level + 1);
  walk_.Begin();
  walk_.Exclude(id);
  walk_.Continue(at, level, index_.parameters.ef_construction);
  while (!walk_.found().empty()) AddCandidate(walk_.found().Pop().id, id);
}

// ---- 4. slots ----

uint32_t Remover::FreeDead() {
  uint32_t freed = 0;
  BlockNumber block = InvalidBlockNumber;
  for (ElementId id = 0; id < end_; id++) {
    if (!IsDead(id)) continue;
    CHECK_FOR_INTERRUPTS();
    FreeUppers(id);
  }
  for (ElementId id = 0; id < end_; id++) {
    if (!IsDead(id) || index_.layout.SlotBlock(id) == block) continue;
    CHECK_FOR_INTERRUPTS();
    block = index_.layout.SlotBlock(id);
    freed += FreeOnPage(block);
  }
  return freed;
}

// One list after another off the front of the chain, a record each.
void Remover::FreeUppers(ElementId id) {
  for (;;) {
    SlotCopy copy;
    ReadSlot(index_, id, &copy, nullptr);
    const UpperId upper = copy.tail.upper;
    if (upper == kNoId) return;
    PageTxn txn(index_, WriteMode::kLogged);
    txn.Want(kMetaBlock);
    txn.Want(index_.layout.UpperBlock(upper));
    txn.Want(index_.layout.SlotBlock(id));
    txn.Begin();
    UpperHead* head = txn.upper(upper);
    TailAt(txn.slot(id), index_.layout)->upper = head->next;
    head->owner = kNoId;
    head->n_links = 0;
    head->next = txn.meta()->free_uppers;
    txn.meta()->free_uppers = upper;
    txn.meta()->n_free_uppers++;
    txn.Commit();
  }
}

// All dead elements of a page in one record.
uint32_t Remover::FreeOnPage(BlockNumber block) {
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Want(block);
  txn.Begin();
  uint32_t freed = 0;
  const ElementId first = index_.layout.FirstElementOn(block);
  for (uint32_t i = 0; i < index_.layout.ElementsOn(block); i++) {
    if (first + i >= end_ || !IsDead(first + i)) continue;
    txn.FreeSlot(first + i);
    txn.meta()->n_dead--;
    freed++;
  }
  txn.Commit();
  return freed;
}

}  // namespace

uint32_t RemoveDead(const Index& index) {
  if (ReadMeta(index).n_dead == 0) return 0;
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg removal", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  LockGraph(index.rel);
  const uint32_t freed = (new (palloc(sizeof(Remover))) Remover(index))->Run();
  UnlockGraph(index.rel);
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
  return freed;
}

}  // namespace hnswpg
