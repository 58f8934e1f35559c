// Links elements under the graph lock. Each step is one WAL record; the order of
// steps, and what a crash between two of them leaves, is in
// src/storage/README.md, "Linking".
#include "hnswpg/storage/linker.h"

#include <algorithm>
#include <new>

namespace hnswpg {

Linker::Linker(const Index* index, WriteMode mode)
    : index_(index),
      mode_(mode),
      code_(static_cast<char*>(palloc(index->space.code_bytes()))),
      graph_(index, code_),
      walk_(&graph_, ContextArena(CurrentMemoryContext)),
      candidates_(index, index->meta.ef_construction + 1),
      editor_(index, mode),
      vector_(static_cast<float*>(palloc(index->meta.dim * sizeof(float)))),
      other_vector_(static_cast<float*>(palloc(index->meta.dim * sizeof(float)))),
      chosen_(static_cast<ElementId*>(palloc((kMaxLevel + 1) * kMaxM * sizeof(ElementId)))) {}

bool Linker::LinkOldest() {
  meta_ = ReadMeta(*index_);
  if (meta_.pending_first == kNoId) return false;
  Link(meta_.pending_first);
  return true;
}

void Linker::Link(ElementId id) {
  id_ = id;
  parent_ = kNoId;
  std::fill(n_chosen_, n_chosen_ + kMaxLevel + 1, 0);
  ReadSlot(*index_, id, &self_, code_);
  if (self_.head.state != SlotState::kPending) {
    ReportDamage(index_->rel, index_->layout.SlotBlock(id), id,
                 "on the pending list, but not pending");
  }
  if (meta_.entry == kNoId) {
    AllocateUppers();
    Finish();
    return;
  }
  const int top = meta_.entry_level;
  const int level = self_.head.level;
  ElementId entry = meta_.entry;
  walk_.Begin();
  if (top > level) entry = walk_.Descend(entry, top, level + 1);
  for (int l = std::min(level, top); l >= 0; l--) FindNeighbours(l, &entry);

  // An attempt that was cut short may have left links to this element; then it
  // cannot be merged away.
  const bool untouched = self_.tail.n_links == 0 && self_.tail.upper == kNoId;
  const ElementId equal = untouched ? FindEqual() : kNoId;
  if (equal != kNoId) {
    Merge(equal);
    return;
  }
  AllocateUppers();
  WriteLists();
  AddBackLinks();
  Finish();
}

// Searches one level and chooses the neighbours there. The candidates of the
// last call stay, for FindEqual.
void Linker::FindNeighbours(int level, ElementId* entry) {
  const size_t ef = index_->meta.ef_construction;
  walk_.Begin();
  walk_.Exclude(id_);
  walk_.Continue(*entry, level, ef);
  // From the entry point everything can be reached, from elsewhere perhaps not.
  if (walk_.found().empty()) walk_.Continue(meta_.entry, level, ef);
  if (walk_.found().empty()) {
    // Nothing but dead elements: they route, so they serve until VACUUM mends.
    graph_.set_find_dead(true);
    walk_.Begin();
    walk_.Exclude(id_);
    walk_.Continue(*entry, level, ef);
    graph_.set_find_dead(false);
  }
  candidates_.Clear();
  while (!walk_.found().empty()) {
    const Candidate c = walk_.found().Pop();
    candidates_.Add(c.id, code_);
    *entry = c.id;  // the last one is the nearest
  }
  candidates_.Select(index_->layout.m(), kNoId, kNoId);
  n_chosen_[level] = candidates_.n_chosen();
  for (int i = 0; i < n_chosen_[level]; i++) chosen_[level * kMaxM + i] = candidates_.chosen(i);
}

// A linked element with exactly this vector, if the search of level 0 saw one.
ElementId Linker::FindEqual() {
  const size_t bytes = index_->meta.dim * sizeof(float);
  bool have_vector = false;
  for (int i = 0; i < candidates_.size(); i++) {
    if (candidates_.state(i) != SlotState::kLinked) continue;
    if (memcmp(candidates_.code(i), code_, index_->space.code_bytes()) != 0) continue;
    if (!have_vector) ReadVector(*index_, id_, vector_);
    have_vector = true;
    ReadVector(*index_, candidates_.id(i), other_vector_);
    if (memcmp(vector_, other_vector_, bytes) == 0) return candidates_.id(i);
  }
  return kNoId;
}

namespace {

void PopPending(Meta* meta, ElementId id, ElementId next) {
  meta->pending_first = next;
  if (meta->pending_last == id) meta->pending_last = kNoId;
  meta->n_pending--;
}

}  // namespace

// Gives the heap TID of the element being linked to an equal element: into its
// slot, else into its first TID container, else this element's own slot becomes
// a container. One record.
void Linker::Merge(ElementId into) {
  const ElementLayout& layout = index_->layout;
  SlotCopy target, container;
  ReadSlot(*index_, into, &target, nullptr);
  const bool has_container = target.tail.more_tids != kNoId;
  if (has_container) ReadSlot(*index_, target.tail.more_tids, &container, nullptr);

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
  PopPending(meta, id_, TailAt(self, layout)->next);
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

// Makes sure there is an (empty) list for each level above 0, chained from the
// slot. One record a list.
void Linker::AllocateUppers() {
  const ElementLayout& layout = index_->layout;
  UpperId before = kNoId;
  for (int level = 1; level <= self_.head.level; level++) {
    ListPlace place;
    if (FindList(*index_, id_, level, &place)) {
      before = place.upper;
      continue;
    }
    // Upper slots are handed out under the graph lock alone.
    const Meta meta = ReadMeta(*index_);
    const bool fresh = meta.free_uppers == kNoId;
    const UpperId upper = fresh ? meta.next_upper : meta.free_uppers;
    EnsureBlock(index_->rel, layout.UpperBlock(upper));
    PageTxn txn(*index_, mode_);
    txn.Want(kMetaBlock);
    txn.Want(layout.UpperBlock(upper));
    txn.Want(before == kNoId ? layout.SlotBlock(id_) : layout.UpperBlock(before));
    txn.Begin();
    UpperHead* head = txn.upper(upper);
    if (fresh) {
      txn.meta()->next_upper++;
      ExtendContent(txn.page(layout.UpperBlock(upper)),
                    layout.UpperOffset(upper) + layout.upper_bytes());
    } else {
      txn.meta()->free_uppers = head->next;
      txn.meta()->n_free_uppers--;
    }
    *head = UpperHead{id_, kNoId, 0, static_cast<uint8_t>(level), 0};
    if (before == kNoId) {
      TailAt(txn.slot(id_), layout)->upper = upper;
    } else {
      txn.upper(before)->next = upper;
    }
    txn.Commit();
    before = upper;
  }
}

void Linker::WriteLists() {
  for (int level = self_.head.level; level >= 0; level--) {
    ListPlace place;
    if (!FindList(*index_, id_, level, &place)) continue;
    WriteList(*index_, mode_, place, Chosen(level), n_chosen_[level]);
  }
}

// Links from the neighbours back to the element. The first level-0 neighbour
// that takes it for good becomes its parent.
void Linker::AddBackLinks() {
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
void Linker::AddParent(ElementId near) {
  for (ElementId at = near; parent_ == kNoId;) {
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
void Linker::Finish() {
  const ElementLayout& layout = index_->layout;
  const bool first = meta_.entry == kNoId;
  const bool new_entry = first || self_.head.level > static_cast<int>(meta_.entry_level);
  PageTxn txn(*index_, mode_);
  txn.Want(kMetaBlock);
  txn.Want(layout.SlotBlock(id_));
  if (new_entry && !first) txn.Want(layout.SlotBlock(meta_.entry));
  txn.Begin();
  char* slot = txn.slot(id_);
  HeadAt(slot)->state = SlotState::kLinked;
  TailAt(slot, layout)->parent = parent_;
  Meta* meta = txn.meta();
  PopPending(meta, id_, TailAt(slot, layout)->next);
  meta->n_linked++;
  if (new_entry) {
    if (!first) BecomeEntry(&txn);
    TailAt(slot, layout)->parent = kNoId;
    meta->entry = id_;
    meta->entry_level = self_.head.level;
  }
  txn.Commit();
}

// The entry point is the root of the tree of parents: the old one becomes a child
// of the new one.
void Linker::BecomeEntry(PageTxn* txn) {
  const ElementLayout& layout = index_->layout;
  char* slot = txn->slot(id_);
  ElementTail* tail = TailAt(slot, layout);
  ElementId* links = LinksAt(slot, layout);
  if (std::find(links, links + tail->n_links, meta_.entry) == links + tail->n_links) {
    // Nobody is this element's child yet, so any of its links may go; it has at
    // most m of 2m.
    links[tail->n_links++] = meta_.entry;
  }
  TailAt(txn->slot(meta_.entry), layout)->parent = id_;
}

namespace {

// Runs a Linker in a memory context of its own until `until` is linked (kNoId:
// until nothing is pending).
void RunLinker(const Index& index, WriteMode mode, ElementId until) {
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg linking", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  Linker* linker = new (palloc(sizeof(Linker))) Linker(&index, mode);
  do {
    CHECK_FOR_INTERRUPTS();
    if (until != kNoId) {
      SlotCopy copy;
      ReadSlot(index, until, &copy, nullptr);
      // Linked, by us or by another backend; or merged.
      if (copy.head.state != SlotState::kPending) break;
    }
  } while (linker->LinkOldest());
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
}

}  // namespace

void LinkPending(const Index& index, WriteMode mode, ElementId until) {
  LockGraph(index.rel);
  RunLinker(index, mode, until);
  UnlockGraph(index.rel);
}

void LinkAllPending(const Index& index, WriteMode mode) {
  if (ReadMeta(index).pending_first != kNoId) RunLinker(index, mode, kNoId);
}

}  // namespace hnswpg
