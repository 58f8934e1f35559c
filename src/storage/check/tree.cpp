// The entry point and the tree of parents: that every linked element is found
// from the entry point over level-0 links.
//
// The tree shows it without following links in any order: each element's parent
// was seen to link to it (KnownSlot::held), so it is enough that the chain of
// parents ends at the entry point. Only where it does not, the graph is walked
// breadth first, which reads a page for each element, to tell those that are only
// without a sound parent from those that cannot be found.
#include <algorithm>

#include "storage/check/state.h"

namespace hnswpg {
namespace {

class TreeExaminer {
 public:
  explicit TreeExaminer(Examination* e)
      : e_(e), meta_(e->index.meta), path_(ContextArena(CurrentMemoryContext)), page_(e) {}
  bool ExamineEntry();
  void ExamineParent(ElementId id);
  void FollowParents(ElementId id);
  void FindUnreachable();

 private:
  void Visit(ElementId id);

  Examination* e_;
  const Meta& meta_;
  PodVector<ElementId> path_;  // elements being followed, or to be visited
  PageCopy page_;
  bool any_lost_ = false;
};

// False if there is no entry point to start from.
bool TreeExaminer::ExamineEntry() {
  const ElementId entry = meta_.entry;
  if (entry == kNoId) {
    const auto linked = [](const KnownSlot& slot) { return slot.state == SlotState::kLinked; };
    const KnownSlot* first = std::find_if(e_->slots, e_->slots + e_->end, linked);
    if (first != e_->slots + e_->end) {
      Report(e_, kMetaBlock, first - e_->slots, "in the graph, but there is no entry point");
    }
    return false;
  }
  if (entry >= e_->end || e_->state(entry) == kUnread) return false;
  const KnownSlot& slot = e_->slots[entry];
  if (!e_->InGraph(entry)) {
    Report(e_, e_->SlotBlock(entry), entry, "the entry point, but not in the graph");
    return false;
  }
  if (slot.level != meta_.entry_level) {
    Report(e_, kMetaBlock, entry, "the entry point is of level %d, not %u as the metapage says",
           slot.level, meta_.entry_level);
  }
  if (slot.parent != kNoId) {
    Report(e_, e_->SlotBlock(entry), entry, "the entry point, but has a parent");
  }
  return true;
}

// Of linked elements alone: a dead one may have lost its parent while VACUUM
// mends.
void TreeExaminer::ExamineParent(ElementId id) {
  if (e_->state(id) != SlotState::kLinked || id == meta_.entry) return;
  const KnownSlot& slot = e_->slots[id];
  const BlockNumber block = e_->SlotBlock(id);
  if (slot.parent == kNoId) {
    Report(e_, block, id, "has no parent, but is not the entry point");
  } else if (slot.parent >= e_->end) {
    Report(e_, block, id, "its parent is element %u, which does not exist", slot.parent);
  } else if (e_->state(slot.parent) != kUnread && !e_->InGraph(slot.parent)) {
    Report(e_, block, id, "its parent %u is not in the graph", slot.parent);
  } else if (e_->state(slot.parent) != kUnread && !slot.held) {
    Report(e_, block, id, "its parent %u does not link to it", slot.parent);
  }
}

// Decides for every element on the chain of parents whether it ends at the entry
// point.
void TreeExaminer::FollowParents(ElementId id) {
  if (e_->state(id) != SlotState::kLinked) return;
  path_.Clear();
  KnownSlot* slots = e_->slots;
  ElementId at = id;
  while (!slots[at].reached && !slots[at].lost) {
    if (slots[at].on_path) {
      Report(e_, e_->SlotBlock(at), at, "its chain of parents leads back to it");
      break;
    }
    slots[at].on_path = true;
    path_.Push(at);
    if (!slots[at].held) break;  // a held element's parent is in the graph
    at = slots[at].parent;
  }
  const bool reached = slots[at].reached;
  for (const ElementId on : path_) {
    slots[on].on_path = false;
    slots[on].reached = reached;
    slots[on].lost = !reached;
  }
  any_lost_ |= !reached && !path_.empty();
}

void TreeExaminer::Visit(ElementId id) {
  BlockNumber block;
  uint32_t offset;
  e_->layout().Locate(id, &block, &offset);
  const char* page = page_.Read(block);
  if (page == nullptr) return;
  const char* slot = page + offset;
  const int n = std::min<int>(TailAt(slot, e_->layout())->n_links, e_->layout().max_links(0));
  const ElementId* links = LinksAt(slot, e_->layout());
  for (int i = 0; i < n; i++) {
    const ElementId to = links[i];
    if (to >= e_->end || e_->slots[to].reached || !e_->InGraph(to)) continue;
    e_->slots[to].reached = true;
    path_.Push(to);
  }
}

void TreeExaminer::FindUnreachable() {
  if (!any_lost_) return;
  path_.Clear();
  for (ElementId id = 0; id < e_->end; id++) {
    if (e_->slots[id].reached) path_.Push(id);
  }
  for (size_t i = 0; i < path_.size(); i++) Visit(path_[i]);
  for (ElementId id = 0; id < e_->end; id++) {
    if (e_->state(id) == SlotState::kLinked && !e_->slots[id].reached) {
      Report(e_, e_->SlotBlock(id), id, "cannot be reached from the entry point");
    }
  }
}

}  // namespace

void ExamineTree(Examination* e) {
  TreeExaminer examiner(e);
  const bool has_entry = examiner.ExamineEntry();
  for (ElementId id = 0; id < e->end; id++) examiner.ExamineParent(id);
  if (!has_entry) return;
  e->slots[e->index.meta.entry].reached = true;
  for (ElementId id = 0; id < e->end; id++) examiner.FollowParents(id);
  examiner.FindUnreachable();
}

}  // namespace hnswpg
