// The lists that slots are on: free list, pending list, chains of TID containers;
// and the metapage's counts.
//
// While this runs, insertions take slots off the head of the free list and append
// them to the pending list. Everything is therefore judged by the metapage as it
// is read once, here, after the slots were: what is on the free list then was
// free when the slots were read and has its successor still; what was read as
// free and is not on the list any more must be pending by now, and is read again.
#include <algorithm>

#include "check_state.h"

namespace hnswpg {
namespace {

class SlotListExaminer {
 public:
  explicit SlotListExaminer(Examination* e)
      : e_(e),
        meta_(ReadMeta(e->index)),
        // Where the metapage promises more than there is, only what there is.
        end_(e->index.meta.next_element > e->end ? e->end : meta_.next_element),
        page_(e),
        listed_(static_cast<bool*>(MemoryContextAllocExtended(
            CurrentMemoryContext, end_ + size_t{1}, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO))) {}

  void FollowFree();
  void FollowPending();
  void FollowContainers();
  void FindUnlisted();
  void CompareCounts();

 private:
  bool Enter(BlockNumber block, ElementId from, ElementId id, const char* list);
  bool PendingNext(ElementId from, ElementId id, ElementId* next);
  bool ReadState(ElementId id, SlotState* state, ElementId* next);
  void FollowContainersOf(ElementId id);
  void CompareCount(const char* what, uint32_t found, uint32_t told);

  Examination* e_;
  const Meta meta_;
  const ElementId end_;  // lists lead to slots below it
  PageCopy page_;
  bool* listed_;
  bool complete_ = true;  // lists were followed to their ends
  uint32_t n_free_ = 0;
  uint32_t n_pending_ = 0;
};

BlockNumber BlockOf(const Examination* e, ElementId id) {
  return id == kNoId ? kMetaBlock : e->SlotBlock(id);
}

// The slot `id` is what `from` (kNoId: the metapage) refers to. False if it cannot
// be, or has been met before.
bool SlotListExaminer::Enter(BlockNumber block, ElementId from, ElementId id, const char* list) {
  if (id >= end_) {
    Report(e_, block, from, "the %s leads to slot %u, which does not exist", list, id);
  } else if (listed_[id]) {
    Report(e_, block, from, "the %s leads to slot %u, which was met before", list, id);
  } else {
    listed_[id] = true;
    return true;
  }
  complete_ = false;
  return false;
}

void SlotListExaminer::FollowFree() {
  ElementId from = kNoId;
  for (ElementId id = meta_.free_elements; id != kNoId; n_free_++) {
    CHECK_FOR_INTERRUPTS();
    if (!Enter(BlockOf(e_, from), from, id, "free list")) return;
    if (id >= e_->end || e_->state(id) == kUnread) {
      complete_ = false;
      return;
    }
    if (e_->state(id) != SlotState::kFree) {
      Report(e_, e_->SlotBlock(id), id, "on the free list, but in use");
      complete_ = false;
      return;
    }
    from = id;
    id = e_->slots[id].next;
  }
}

// The slot as it is now. False if its page is damaged.
bool SlotListExaminer::ReadState(ElementId id, SlotState* state, ElementId* next) {
  BlockNumber block;
  uint32_t offset;
  e_->layout().Locate(id, &block, &offset);
  const char* page = page_.ReadAgain(block);
  if (page == nullptr) return false;
  *state = HeadAt(page + offset)->state;
  *next = TailAt(page + offset, e_->layout())->next;
  return true;
}

// Up to the element that was the last when the metapage was read; more may follow
// by now.
void SlotListExaminer::FollowPending() {
  ElementId from = kNoId;
  for (ElementId id = meta_.pending_first; id != kNoId;) {
    if (!Enter(BlockOf(e_, from), from, id, "pending list")) return;
    SlotState state;
    ElementId next;
    if (!ReadState(id, &state, &next)) {
      complete_ = false;
      return;
    }
    if (state != SlotState::kPending) {
      Report(e_, e_->SlotBlock(id), id, "on the pending list, but not pending");
      complete_ = false;
      return;
    }
    n_pending_++;
    from = id;
    if (id == meta_.pending_last) return;
    id = next;
  }
  if (meta_.pending_last == kNoId && from == kNoId) return;
  Report(e_, BlockOf(e_, from), from, "the pending list does not end at %u, as the metapage says",
         meta_.pending_last);
  complete_ = false;
}

void SlotListExaminer::FollowContainersOf(ElementId id) {
  ElementId from = id;
  for (ElementId at = e_->slots[id].more_tids; at != kNoId; at = e_->slots[at].next) {
    CHECK_FOR_INTERRUPTS();
    const BlockNumber block = e_->SlotBlock(from);
    if (at >= e_->end) {
      Report(e_, block, from, "refers to TID container %u, which does not exist", at);
      return;
    }
    KnownSlot* container = &e_->slots[at];
    if (container->state == kUnread) return;
    if (container->state != SlotState::kTids) {
      Report(e_, block, from, "refers to TID container %u, which is none", at);
      return;
    }
    if (container->parent != id) {
      Report(e_, block, from, "refers to TID container %u, which is not its own", at);
      return;
    }
    if (container->chained) {
      Report(e_, block, from, "refers to TID container %u, which was met before", at);
      return;
    }
    container->chained = true;
    from = at;
  }
}

void SlotListExaminer::FollowContainers() {
  for (ElementId id = 0; id < e_->end; id++) {
    if (e_->state(id) == SlotState::kLinked) FollowContainersOf(id);
  }
  for (ElementId id = 0; id < e_->end && !e_->incomplete; id++) {
    if (e_->state(id) != SlotState::kTids || e_->slots[id].chained) continue;
    Report(e_, e_->SlotBlock(id), id, "a TID container that its element %u does not refer to",
           e_->slots[id].parent);
  }
}

// Free and pending slots that no list leads to: they would never be used, or
// linked.
void SlotListExaminer::FindUnlisted() {
  if (!complete_ || e_->incomplete) return;
  for (ElementId id = 0; id < end_; id++) {
    const bool known = id < e_->end;
    if (listed_[id]) continue;
    if (known && e_->state(id) != SlotState::kFree && e_->state(id) != SlotState::kPending)
      continue;
    SlotState state;
    ElementId next;
    // What was taken off the free list before the metapage was read is on the
    // pending list since.
    if (!ReadState(id, &state, &next)) continue;
    const bool pending = state == SlotState::kPending;
    Report(e_, e_->SlotBlock(id), id,
           pending ? "pending, but not on the pending list" : "free, but not on the free list");
  }
}

void SlotListExaminer::CompareCount(const char* what, uint32_t found, uint32_t told) {
  if (found == told) return;
  Report(e_, kMetaBlock, kNoId, "%u slots are %s, not %u as the metapage says", found, what, told);
}

void SlotListExaminer::CompareCounts() {
  if (e_->incomplete) return;
  const auto count = [this](SlotState state) {
    return static_cast<uint32_t>(
        std::count_if(e_->slots, e_->slots + e_->end,
                      [state](const KnownSlot& slot) { return slot.state == state; }));
  };
  CompareCount("linked", count(SlotState::kLinked), meta_.n_linked);
  CompareCount("dead", count(SlotState::kDead), meta_.n_dead);
  CompareCount("TID containers", count(SlotState::kTids), meta_.n_tid_slots);
  if (!complete_) return;
  CompareCount("free", n_free_, meta_.n_free);
  CompareCount("pending", n_pending_, meta_.n_pending);
}

}  // namespace

void ExamineSlotLists(Examination* e) {
  SlotListExaminer examiner(e);
  examiner.FollowFree();
  examiner.FollowPending();
  examiner.FollowContainers();
  examiner.FindUnlisted();
  examiner.CompareCounts();
}

}  // namespace hnswpg
