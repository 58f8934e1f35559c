// Links elements under the graph lock. Each step is one WAL record; the order of
// steps, and what a crash between two of them leaves, is in
// README.md, "Linking".
#include "hnswpg/storage/link/page_linker.h"

#include <algorithm>
#include <new>

#include "hnswpg/core/format/link_slot.h"
#include "hnswpg/storage/page/locks.h"
#include "hnswpg/storage/page/pending.h"
#include "storage/graph/upper_lists.h"
#include "storage/page/interrupts.h"

namespace hnswpg {

PageLinker::PageLinker(const HnswIndex* index, WriteMode mode)
    : index_(index),
      mode_(mode),
      view_(index),
      graph_(index),
      budget_(&AnswerInterrupts),
      walk_(&graph_, ContextArena(CurrentMemoryContext), WriterVisited(), &budget_),
      candidates_(index, index->meta.ef_construction + 1 + index->layout.max_links(0)),
      editor_(index, mode),
      other_vector_(palloc(index->space.vector_bytes())),
      chosen_(static_cast<ElementId*>(palloc((kMaxLevel + 1) * kMaxM * sizeof(ElementId)))) {}

bool PageLinker::TakeOldest() {
  meta_ = ReadMetaAndOldest(*index_, &id_);
  return id_ != kNoId && ReadSelf();
}

// The oldest, which somebody has made a plan for.
void PageLinker::TakeOldest(ElementId expected) {
  if (TakeOldest() && id_ == expected) return;
  ReportDamage(index_->rel, kMetaBlock, expected, "not the oldest pending element");
}

bool PageLinker::ReadSelf() {
  parent_ = kNoId;
  view_.Read(id_, &self_);
  graph_.set_query(&view_);
  if (self_.head.state != SlotState::kPending) {
    ReportDamage(index_->rel, index_->layout.SlotBlock(id_), id_,
                 "on the pending list, but not pending");
  }
  return true;
}

bool PageLinker::LinkOldest() {
  if (!TakeOldest()) return false;
  Link();
  return true;
}

void PageLinker::MergeOldest(ElementId oldest, ElementId into) {
  TakeOldest(oldest);
  SlotCopy target;
  ReadSlot(*index_, into, &target, nullptr);
  if (IsUntouched() && self_.tail.n_tids > 0 && target.head.state == SlotState::kLinked) {
    Merge(into);
  } else {
    Link();
  }
}

void PageLinker::LinkPreparedOldest(ElementId oldest) {
  TakeOldest(oldest);
  if (IsUntouched()) {
    Link();
    return;
  }
  ChooseParent();
  if (parent_ == kNoId && meta_.entry != kNoId) SearchParent();
  Finish();
}

// Where none of its neighbours is linked yet: near it, in the graph. Its own list stays
// as it is, for it is better than any that could be chosen now.
void PageLinker::SearchParent() {
  ElementId entry = meta_.entry;
  walk_.Begin();
  if (meta_.entry_level > 0) entry = walk_.Descend(entry, meta_.entry_level, 1);
  FindNeighbours(0, &entry);
  for (int i = 0; i < n_chosen_[0] && parent_ == kNoId; i++) {
    if (editor_.AddLink(Chosen(0)[i], 0, id_, true)) parent_ = Chosen(0)[i];
  }
  if (parent_ == kNoId) AddParent(Chosen(0)[0]);
}

// One of its own neighbours that links to it already, else one that can be made to,
// else what AddParent finds.
void PageLinker::ChooseParent() {
  ElementId linked[kMaxLinks];
  int n = 0;
  for (int i = 0; i < self_.tail.n_links; i++) {
    SlotCopy neighbour;
    ReadSlot(*index_, self_.links[i], &neighbour, nullptr);
    if (neighbour.head.state != SlotState::kLinked) continue;
    linked[n++] = self_.links[i];
    if (!neighbour.HasLink(id_)) continue;
    parent_ = self_.links[i];
    return;
  }
  for (int i = 0; i < n && parent_ == kNoId; i++) {
    if (editor_.AddLink(linked[i], 0, id_, true)) parent_ = linked[i];
  }
  if (parent_ == kNoId && n > 0) AddParent(linked[0]);
}

// Of an element that is touched, an attempt to link it was cut short: others may
// link to it, and it cannot be freed or merged away.
bool PageLinker::IsUntouched() const {
  return self_.tail.n_links == 0 && self_.tail.upper == kNoId;
}

void PageLinker::Link() {
  std::fill(n_chosen_, n_chosen_ + kMaxLevel + 1, 0);
  n_fillers_ = 0;
  const bool untouched = IsUntouched();
  if (untouched && self_.tail.n_tids == 0) {
    Discard();
    return;
  }
  const ElementId named = untouched ? FindNamedEqual() : kNoId;
  if (named != kNoId) {
    Merge(named);
    return;
  }
  if (meta_.entry == kNoId) {
    AllocateUppers(*index_, mode_, id_, self_.head.level);
    // Empty: an attempt that was cut short may have named elements that are pending.
    WriteLists();
    Finish();
    return;
  }
  FindAllNeighbours();
  const ElementId equal = untouched ? FindEqual() : kNoId;
  if (equal != kNoId) {
    Merge(equal);
    return;
  }
  AllocateUppers(*index_, mode_, id_, self_.head.level);
  WriteLists();
  AddBackLinks();
  Finish();
}

// On all levels. By its code first, and once more by its vector where the code turns out
// not to tell the nearest apart, or where they are too few to say.
void PageLinker::FindAllNeighbours() {
  const int top = meta_.entry_level;
  const int level = self_.head.level;
  view_.MeasureByCode();
  for (bool again = true; again;) {
    ElementId entry = meta_.entry;
    walk_.Begin();
    if (top > level) entry = walk_.Descend(entry, top, level + 1);
    for (int l = std::min(level, top); l >= 0; l--) FindNeighbours(l, &entry);
    again = false;
    if (!view_.is_coded() || index_->space.quantization() == Quantization::kNone) continue;
    const CodeQuality quality = candidates_.QualityOf(view_.code());
    again = !quality.Known() || !quality.Good();
    if (again) view_.MeasureExactly();
  }
}

// Searches one level and chooses the neighbours there. The candidates of the
// last call stay, for FindEqual.
void PageLinker::FindNeighbours(int level, ElementId* entry) {
  SearchFrom(*entry, level);
  // From the entry point everything can be reached, from elsewhere perhaps not.
  if (walk_.found().empty()) {
    walk_.Continue(meta_.entry, level, index_->meta.ef_construction);
  }
  TakeFound(level, false, entry);
  if (candidates_.size() == 0) SearchForCertain(level, entry);
  candidates_.Select(index_->layout.m(), kNoId, kNoId);
  n_chosen_[level] = candidates_.n_chosen();
  for (int i = 0; i < n_chosen_[level]; i++) chosen_[level * kMaxM + i] = candidates_.chosen(i);
  if (level > 0) return;
  // Fill up its own list, as core's linking does (core/build/linking.h). The others'
  // lists do not learn of it: that would be a record for each.
  const int n = n_chosen_[0];
  n_fillers_ = candidates_.NearestDropped(index_->layout.m() - n, chosen_ + n);
  if (n == 0) {
    ReportDamage(index_->rel, kMetaBlock, meta_.entry, "nothing is found from the entry point");
  }
}

void PageLinker::SearchFrom(ElementId entry, int level) {
  walk_.Begin();
  walk_.Exclude(id_);
  walk_.Continue(entry, level, index_->meta.ef_construction);
}

// What the walk found becomes the candidates, nearest last in *entry. The walk reads
// without locks, so what it took for an element of this level need not be one.
void PageLinker::TakeFound(int level, bool dead_too, ElementId* entry) {
  candidates_.Clear();
  while (!walk_.found().empty()) {
    // Each may have to be read from disk.
    CHECK_FOR_INTERRUPTS();
    const ElementId id = walk_.found().Pop().id;
    candidates_.Add(id, view_);
    if (candidates_.LastIsIn(level, dead_too)) {
      *entry = id;
    } else {
      candidates_.DropLast();
    }
  }
}

// Where nothing alive was found: the walk was misled, or there is nothing but dead
// elements: they route, so they serve until VACUUM mends. Under the pages' locks, and
// from the entry point: there are dead elements that nothing leads to, whose slots
// cleanup is about to free, and a walk that is misled could come to those.
void PageLinker::SearchForCertain(int level, ElementId* entry) {
  graph_.ReadUnderLocks();
  SearchFrom(meta_.entry, level);
  TakeFound(level, false, entry);
  if (candidates_.size() == 0) {
    graph_.set_find_dead(true);
    SearchFrom(meta_.entry, level);
    TakeFound(level, true, entry);
    graph_.set_find_dead(false);
  }
  graph_.ReadByPeeks();
}

// The element that was named as equal when this one was written, if it is so still: then
// nothing has to be searched for.
ElementId PageLinker::FindNamedEqual() {
  const ElementId named = self_.tail.next;
  if (named >= meta_.next_element) return kNoId;
  SlotCopy copy;
  ReadSlot(*index_, named, &copy, nullptr);
  return copy.head.state == SlotState::kLinked && HasSameVector(named) ? named : kNoId;
}

bool PageLinker::HasSameVector(ElementId id) {
  ReadVector(*index_, id, other_vector_);
  return memcmp(view_.vector(), other_vector_, index_->space.vector_bytes()) == 0;
}

// A linked element with exactly this vector, if the search of level 0 saw one.
ElementId PageLinker::FindEqual() {
  for (int i = 0; i < candidates_.size(); i++) {
    if (candidates_.state(i) == SlotState::kLinked && MayBeEqual(i) &&
        HasSameVector(candidates_.id(i))) {
      return candidates_.id(i);
    }
  }
  return kNoId;
}

// Equal vectors have equal codes by one book. A candidate with a code by another one was
// measured by its vector, and equal vectors have one distance, bit for bit.
bool PageLinker::MayBeEqual(int candidate) const {
  if (candidates_.HasCurrentCode(candidate)) {
    return memcmp(candidates_.code(candidate), view_.code(), index_->space.code_bytes()) == 0;
  }
  return candidates_.distance(candidate) ==
         index_->space.ExactDistance(view_.vector(), view_.vector());
}

// The metapage is part of the change.
void PageLinker::TakeOffList(PageTxn* txn) {
  PopPending(txn->page(kMetaBlock), id_);
  txn->meta()->last_sync = GetCurrentTimestamp();
}

// Its row was vacuumed before it was linked.
void PageLinker::Discard() {
  PageTxn txn(*index_, mode_);
  txn.Want(kMetaBlock);
  txn.Want(index_->layout.SlotBlock(id_));
  txn.Begin();
  TakeOffList(&txn);
  txn.FreeSlot(id_);
  txn.Commit();
}

// Gives the heap TID of the element being linked to an equal element: into its
// slot, else into its first TID container, else this element's own slot becomes
// a container. One record.
void PageLinker::Merge(ElementId into) {
  const ElementLayout& layout = index_->layout;
  SlotCopy target, container;
  ReadSlot(*index_, into, &target, nullptr);
  const bool has_container = target.tail.more_tids != kNoId;
  if (has_container) ReadContainerSlot(*index_, into, target.tail.more_tids, &container);

  PageTxn txn(*index_, mode_);
  txn.Want(kMetaBlock);
  txn.Want(layout.SlotBlock(id_));
  txn.Want(layout.SlotBlock(into));
  if (has_container) txn.Want(layout.SlotBlock(target.tail.more_tids));
  txn.Begin();
  char* self = txn.slot(id_);
  const TidEntry entry = TailAt(self, layout)->tids[0];
  ElementTail* tail = TailAt(txn.slot(into), layout);
  Meta* meta = txn.meta();
  TakeOffList(&txn);
  if (tail->n_tids < kInlineTids) {
    tail->tids[tail->n_tids++] = entry;
    txn.FreeSlot(id_);
  } else if (has_container && container.tail.n_links < layout.tids_capacity()) {
    char* slot = txn.slot(tail->more_tids);
    ContainerTidsAt(slot, layout)[TailAt(slot, layout)->n_links++] = entry;
    txn.FreeSlot(id_);
  } else {
    HeadAt(self)->state = SlotState::kTids;
    ElementTail* own = TailAt(self, layout);
    own->version++;
    own->parent = into;
    own->next = tail->more_tids;
    own->n_tids = 0;
    own->n_links = 1;
    ContainerTidsAt(self, layout)[0] = entry;
    tail->more_tids = id_;
    meta->n_tid_slots++;
  }
  txn.Commit();
}

void PageLinker::WriteLists() {
  for (int level = self_.head.level; level >= 0; level--) {
    ListPlace place;
    if (!FindList(*index_, id_, level, &place)) continue;
    const int n = n_chosen_[level] + (level == 0 ? n_fillers_ : 0);
    WriteList(*index_, mode_, place, Chosen(level), n);
  }
}

// Links from the neighbours back to the element. The first level-0 neighbour
// that takes it for good becomes its parent.
void PageLinker::AddBackLinks() {
  for (int level = self_.head.level; level > 0; level--) {
    for (int i = 0; i < n_chosen_[level]; i++) {
      editor_.AddLink(Chosen(level)[i], level, id_, false);
    }
  }
  for (int i = 0; i < n_chosen_[0]; i++) {
    const ElementId neighbour = Chosen(0)[i];
    const bool is_parent = parent_ == kNoId;
    if (editor_.AddLink(neighbour, 0, id_, is_parent) && is_parent) parent_ = neighbour;
  }
  if (parent_ == kNoId) AddParent(Chosen(0)[0]);
}

// Every neighbour's list is full of its children. Down the tree there is room, at
// a leaf if not before. A dead child is the last choice: VACUUM would have to find
// another parent.
void PageLinker::AddParent(ElementId near) {
  CircleDetector circle;
  for (ElementId at = near; parent_ == kNoId;) {
    CHECK_FOR_INTERRUPTS();
    if (circle.Met(at)) {
      ReportDamage(index_->rel, index_->layout.SlotBlock(at), at,
                   "its chain of parents leads back to it");
    }
    SlotCopy copy;
    ReadSlot(*index_, at, &copy, nullptr);
    ElementId child = kNoId;
    for (int i = 0; i < copy.tail.n_links; i++) {
      SlotCopy neighbour;
      ReadSlot(*index_, copy.links[i], &neighbour, nullptr);
      if (neighbour.tail.parent != at || copy.links[i] == id_) continue;
      child = copy.links[i];
      if (neighbour.head.state == SlotState::kLinked) break;
    }
    if (child == kNoId) {
      ReportDamage(index_->rel, index_->layout.SlotBlock(at), at, "a full list without children");
    }
    if (editor_.AddLink(child, 0, id_, true)) parent_ = child;
    at = child;
  }
}

// The record that makes the element a part of the graph.
void PageLinker::Finish() {
  const ElementLayout& layout = index_->layout;
  const bool first = meta_.entry == kNoId;
  const bool new_entry = first || self_.head.level > static_cast<int>(meta_.entry_level);
  PageTxn txn(*index_, mode_);
  txn.Want(kMetaBlock);
  txn.Want(layout.SlotBlock(id_));
  if (new_entry && !first) txn.Want(layout.SlotBlock(meta_.entry));
  txn.Begin();
  char* slot = txn.slot(id_);
  // Others link to it, so it has to stay, but its row was vacuumed.
  const bool dead = self_.tail.n_tids == 0;
  HeadAt(slot)->state = dead ? SlotState::kDead : SlotState::kLinked;
  TailAt(slot, layout)->parent = parent_;
  Meta* meta = txn.meta();
  TakeOffList(&txn);
  WriteCode(slot);
  (dead ? meta->n_dead : meta->n_linked)++;
  if (!dead && !IsCoded(*index_, HeadAt(slot)->book)) meta->n_exact++;
  if (new_entry) {
    if (!first) BecomeEntry(&txn);
    TailAt(slot, layout)->parent = kNoId;
    meta->entry = id_;
    meta->entry_level = self_.head.level;
  }
  txn.Commit();
}

// By which book its code is, and whether it does; the code itself, where that was by
// another book. Not where it lies on several pages: then it stays as it is, and unused.
void PageLinker::WriteCode(char* slot) {
  ElementHead* head = HeadAt(slot);
  const bool fits = index_->layout.payload_pieces() == 1;
  if (view_.is_recoded() && fits) WriteCodeAt(slot, view_.code(), index_->layout);
  if (!view_.is_recoded() || fits) head->book = index_->parameters.book;
  if (!view_.is_coded() || !IsCoded(*index_, head->book)) head->book |= kMeasureExactly;
}

// The entry point is the root of the tree of parents: the old one becomes a child
// of the new one.
void PageLinker::BecomeEntry(PageTxn* txn) {
  const ElementLayout& layout = index_->layout;
  LinkSlot links(txn->slot(id_), layout);
  if (!links.Has(meta_.entry)) {
    // Nobody is this element's child yet, so any of its links may go.
    if (links.is_full()) links.DropLast();
    links.Append(meta_.entry);
  }
  TailAt(txn->slot(meta_.entry), layout)->parent = id_;
}

void PageLinker::Relink(ElementId id) {
  id_ = id;
  meta_ = ReadMeta(*index_);
  view_.Read(id, &self_);
  graph_.set_query(&view_);
  if (self_.head.state != SlotState::kLinked || self_.tail.n_links == 0) return;
  MarkExact();
  view_.MeasureExactly();
  FindBeside();
  const int max = index_->layout.max_links(0);
  if (candidates_.CountRequired(id, kNoId) > max) return;
  candidates_.Select(max, id, kNoId);
  n_chosen_[0] = std::min(candidates_.n_chosen(), kMaxM);
  ElementId links[kMaxLinks];
  for (int i = 0; i < candidates_.n_chosen(); i++) links[i] = candidates_.chosen(i);
  WriteList(*index_, mode_, {id, 0, kNoId}, links, candidates_.n_chosen());
  for (int i = 0; i < n_chosen_[0]; i++) editor_.AddLink(links[i], 0, id, false);
}

// The candidates for the list of a linked element: what a walk finds near it, and its
// children, of which none may be lost.
void PageLinker::FindBeside() {
  ElementId entry = meta_.entry == id_ ? self_.links[0] : meta_.entry;
  walk_.Begin();
  if (meta_.entry != id_ && meta_.entry_level > 0) {
    entry = walk_.Descend(entry, meta_.entry_level, 1);
    if (entry == id_) entry = self_.links[0];
  }
  SearchFrom(entry, 0);
  if (walk_.found().empty()) walk_.Continue(self_.links[0], 0, index_->meta.ef_construction);
  TakeFound(0, false, &entry);
  for (int i = 0; i < self_.tail.n_links; i++) {
    SlotCopy neighbour;
    ReadSlot(*index_, self_.links[i], &neighbour, nullptr);
    if (neighbour.tail.parent != id_ || candidates_.Contains(self_.links[i])) continue;
    candidates_.Add(self_.links[i], view_);
  }
}

void PageLinker::MarkExact() {
  PageTxn txn(*index_, mode_);
  txn.Want(index_->layout.SlotBlock(id_));
  txn.Begin();
  HeadAt(txn.slot(id_))->book |= kMeasureExactly;
  txn.Commit();
}

}  // namespace hnswpg
