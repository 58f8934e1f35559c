// The lists that slots are on: free list, pending list, chains of TID containers;
// and the metapage's counts.
//
// While this runs, insertions take slots off the head of the free list and append
// them to the pending list. Everything is therefore judged by the metapage as it
// is read once, here, after the slots were: what is on the free list then was
// free when the slots were read and has its successor still; what was read as
// free and is not on the list any more must be pending by now, and is read again.
// Heap TIDs of such elements are added to those that were counted.
#include <algorithm>

#include "hnswpg/storage/page/pending.h"
#include "storage/check/state.h"

namespace hnswpg {
namespace {

class SlotListExaminer {
 public:
  explicit SlotListExaminer(Examination* e)
      : e_(e),
        page_(e),
        meta_page_(ReadMetaPage(&page_)),
        meta_(*MetaOf(meta_page_)),
        // Where the metapage promises more than there is, only what there is.
        end_(e->index.meta.next_element > e->end ? e->end : meta_.next_element),
        listed_(static_cast<bool*>(MemoryContextAllocExtended(
            CurrentMemoryContext, end_ + size_t{1}, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO))) {}

  void FollowFree();
  void FollowPending();
  void FollowContainers();
  void FindUnlisted();
  void CompareCounts();

 private:
  bool Enter(BlockNumber block, ElementId from, ElementId id, const char* list);
  void EnterPending(ElementId id);
  const char* ReadSlotAgain(ElementId id);
  void FollowContainersOf(ElementId id);
  void CompareCount(const char* what, uint32_t found, uint32_t told);
  static Page ReadMetaPage(PageCopy* page);

  Examination* e_;
  PageCopy page_;
  const Page meta_page_;
  const Meta& meta_;
  const ElementId end_;  // lists lead to slots below it
  bool* listed_;
  bool complete_ = true;  // lists were followed to their ends
  uint32_t n_free_ = 0;
  uint32_t n_pending_ = 0;
  uint64_t n_late_tids_ = 0;  // of elements written since the slots were read
};

// A copy: runs and counts are those of one moment.
Page SlotListExaminer::ReadMetaPage(PageCopy* page) {
  const char* contents = page->ReadAgain(kMetaBlock);
  Page copy = static_cast<Page>(palloc0(BLCKSZ));
  if (contents != nullptr) memcpy(copy, contents, BLCKSZ);
  return copy;
}

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

// The slot as it is now. Null if its page is damaged.
const char* SlotListExaminer::ReadSlotAgain(ElementId id) {
  BlockNumber block;
  uint32_t offset;
  e_->layout().Locate(id, &block, &offset);
  const char* page = page_.ReadAgain(block);
  return page == nullptr ? nullptr : page + offset;
}

// The runs that were in the metapage when it was read; more may follow by now.
void SlotListExaminer::FollowPending() {
  if (meta_.first_run + meta_.n_runs > kMaxPendingRuns) {
    Report(e_, kMetaBlock, kNoId, "%u pending runs from place %u on do not fit", meta_.n_runs,
           meta_.first_run);
    complete_ = false;
    return;
  }
  const PendingRun* runs = RunsOf(meta_page_);
  const char* runs_end = reinterpret_cast<const char*>(runs + meta_.n_runs);
  if (!KeepsContent(meta_page_, runs_end - meta_page_)) {
    Report(e_, kMetaBlock, kNoId,
           "the pending list lies outside of what the page header says is in use");
  }
  for (uint32_t i = 0; i < meta_.n_runs; i++) {
    const PendingRun& run = runs[i];
    if (run.count == 0 || run.first >= end_ || run.count > end_ - run.first) {
      Report(e_, kMetaBlock, kNoId, "the pending list has %u slots from %u on, which do not exist",
             run.count, run.first);
      complete_ = false;
      continue;
    }
    for (uint32_t j = 0; j < run.count; j++) EnterPending(run.first + j);
  }
}

void SlotListExaminer::EnterPending(ElementId id) {
  CHECK_FOR_INTERRUPTS();
  n_pending_++;
  if (!Enter(kMetaBlock, kNoId, id, "pending list")) return;
  const char* slot = ReadSlotAgain(id);
  if (slot == nullptr) {
    complete_ = false;
    return;
  }
  if (HeadAt(slot)->state != SlotState::kPending) {
    Report(e_, e_->SlotBlock(id), id, "on the pending list, but not pending");
    complete_ = false;
    return;
  }
  const bool is_late = id >= e_->end || e_->state(id) == SlotState::kFree;
  if (is_late) n_late_tids_ += TailAt(slot, e_->layout())->n_tids;
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
    // What was taken off the free list before the metapage was read is on the
    // pending list since.
    const char* slot = ReadSlotAgain(id);
    if (slot == nullptr) continue;
    const bool pending = HeadAt(slot)->state == SlotState::kPending;
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
  const auto n_exact = std::count_if(e_->slots, e_->slots + e_->end, [](const KnownSlot& slot) {
    return slot.state == SlotState::kLinked && slot.exact;
  });
  CompareCount("measured exactly", static_cast<uint32_t>(n_exact), meta_.n_exact);
  CompareCount("dead", count(SlotState::kDead), meta_.n_dead);
  CompareCount("TID containers", count(SlotState::kTids), meta_.n_tid_slots);
  if (!complete_) return;
  CompareCount("free", n_free_, meta_.n_free);
  CompareCount("pending", n_pending_, meta_.n_pending);
  const uint64_t n_tids = e_->tids.size() + n_late_tids_;
  if (n_tids == meta_.n_tids) return;
  Report(e_, kMetaBlock, kNoId,
         "there are " UINT64_FORMAT " heap TIDs, not " UINT64_FORMAT " as the metapage says",
         n_tids, meta_.n_tids);
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
