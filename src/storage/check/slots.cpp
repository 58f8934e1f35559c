// Slots, each by itself.
#include "storage/check/state.h"

namespace hnswpg {
namespace {

class SlotExaminer {
 public:
  explicit SlotExaminer(Examination* e) : e_(e), page_(e) {}
  void Examine(ElementId id);

 private:
  void Complain(const char* what) { Report(e_, block_, id_, "%s", what); }
  const char* FindSlot();
  bool CountsInBounds(const ElementHead& head, const ElementTail& tail);
  void ExamineElement(const ElementHead& head, const ElementTail& tail);
  void ExamineTidCount(const ElementHead& head, const ElementTail& tail);
  void Collect(const TidEntry* entries, int n);

  Examination* e_;
  PageCopy page_;
  BlockNumber reported_ = InvalidBlockNumber;  // as empty
  // The slot being examined.
  ElementId id_ = kNoId;
  BlockNumber block_ = InvalidBlockNumber;
};

// The slot on the copy of its page; null if the page is damaged, or empty, which
// is reported once a page.
const char* SlotExaminer::FindSlot() {
  uint32_t offset;
  e_->layout().Locate(id_, &block_, &offset);
  const char* page = page_.Read(block_);
  if (page == nullptr) {
    const bool damaged = block_ < e_->blocks && e_->pages[block_] == PageStatus::kDamaged;
    if (!damaged && block_ != reported_) Complain("the page of this slot is empty");
    reported_ = block_;
    return nullptr;
  }
  if (!KeepsContent(page, offset + e_->layout().slot_bytes())) {
    Complain("the slot lies outside of what the page header says is in use");
  }
  return page + offset;
}

void SlotExaminer::Examine(ElementId id) {
  id_ = id;
  KnownSlot* known = &e_->slots[id];
  known->state = kUnread;
  const char* slot = FindSlot();
  if (slot == nullptr) {
    e_->incomplete = true;
    return;
  }
  const ElementHead& head = *HeadAt(slot);
  const ElementTail& tail = *TailAt(slot, e_->layout());
  if (!CountsInBounds(head, tail)) {
    e_->incomplete = true;
    return;
  }
  known->parent = tail.parent;
  known->next = tail.next;
  known->upper = tail.upper;
  known->more_tids = tail.more_tids;
  known->state = head.state;
  known->level = head.level;
  known->exact = !IsCoded(e_->index, head.book);
  if (IsElement(head.state)) {
    ExamineElement(head, tail);
    Collect(tail.tids, tail.n_tids);
  } else if (head.state == SlotState::kTids) {
    Collect(ContainerTidsAt(slot, e_->layout()), tail.n_links);
  }
}

bool SlotExaminer::CountsInBounds(const ElementHead& head, const ElementTail& tail) {
  const ElementLayout& layout = e_->layout();
  if (head.state > SlotState::kTids) {
    Report(e_, block_, id_, "there is no slot state %d", static_cast<int>(head.state));
    return false;
  }
  if (head.state == SlotState::kTids) {
    if (tail.n_links >= 1 && tail.n_links <= layout.tids_capacity()) return true;
    Report(e_, block_, id_, "a TID container with %d entries", tail.n_links);
    return false;
  }
  if (!IsElement(head.state)) return true;
  if (head.level > kMaxLevel) {
    Report(e_, block_, id_, "level %d is beyond the highest there is, %d", head.level, kMaxLevel);
    return false;
  }
  if (tail.n_links > layout.max_links(0)) {
    Report(e_, block_, id_, "%d neighbours where %d fit", tail.n_links, layout.max_links(0));
    return false;
  }
  if (tail.n_tids > kInlineTids) {
    Report(e_, block_, id_, "%d heap TIDs in the slot where %d fit", tail.n_tids, kInlineTids);
    return false;
  }
  return true;
}

void SlotExaminer::ExamineElement(const ElementHead& head, const ElementTail& tail) {
  // It may have links: attempts to link it were cut short.
  if (head.state == SlotState::kPending && tail.parent != kNoId) {
    Complain("not linked yet, but has a parent");
  }
  ExamineTidCount(head, tail);
}

void SlotExaminer::ExamineTidCount(const ElementHead& head, const ElementTail& tail) {
  const bool has_tids = tail.n_tids > 0 || tail.more_tids != kNoId;
  switch (head.state) {
    case SlotState::kPending:
      // None, if its row was vacuumed meanwhile.
      if (tail.n_tids > 1 || tail.more_tids != kNoId) {
        Complain("not linked yet, but with more than one heap TID");
      }
      break;
    case SlotState::kDead:
      if (has_tids) Complain("dead, but with heap TIDs");
      break;
    default:
      // A linked one may have none: VACUUM was cut short between freeing its last
      // container and marking it.
      break;
  }
}

void SlotExaminer::Collect(const TidEntry* entries, int n) {
  for (int i = 0; i < n; i++) {
    const ItemPointerData tid = TidOf(entries[i]);
    e_->tids.Push(
        {ItemPointerGetBlockNumberNoCheck(&tid), ItemPointerGetOffsetNumberNoCheck(&tid), id_});
  }
}

}  // namespace

void ExamineSlots(Examination* e) {
  SlotExaminer examiner(e);
  for (ElementId id = 0; id < e->end; id++) examiner.Examine(id);
}

}  // namespace hnswpg
