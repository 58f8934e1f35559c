#include "storage/link/code_judge.h"

namespace hnswpg {

CodeJudge::CodeJudge(const HnswIndex* index, const CodeSpace* space)
    : index_(index),
      space_(space != nullptr ? *space : index->space),
      encodes_(space != nullptr),
      capacity_((1 + kLeading) * index->layout.max_links(0)),
      stride_(MAXALIGN(index->space.code_bytes())),
      base_(static_cast<char*>(palloc(stride_))),
      codes_(static_cast<char*>(MemoryContextAllocHuge(CurrentMemoryContext, capacity_ * stride_))),
      pointers_(static_cast<const char**>(palloc(capacity_ * sizeof(char*)))),
      vector_(palloc(index->space.vector_bytes())),
      met_(ContextArena(CurrentMemoryContext)) {
  for (int i = 0; i < capacity_; i++) pointers_[i] = Room(i);
}

// False if there is none to judge by.
bool CodeJudge::ReadCode(ElementId id, SlotCopy* slot, char* code) {
  ReadSlot(*index_, id, slot, encodes_ ? nullptr : code);
  const SlotState state = slot->head.state;
  // A pending element's slot may get another owner.
  if (state != SlotState::kLinked && state != SlotState::kDead) return false;
  if (!encodes_) return (slot->head.book & kMaxBook) == index_->parameters.book;
  ReadVector(*index_, id, vector_);
  space_.Encode(vector_, code);
  return true;
}

void CodeJudge::Meet(ElementId id) {
  SlotCopy slot;
  if (n_ == capacity_ || !met_.Insert(id) || !ReadCode(id, &slot, Room(n_))) return;
  // The list of a dead one may be out of date.
  if (slot.head.state == SlotState::kLinked) leaders_.Meet({space_.Distance(base_, Room(n_)), id});
  n_++;
}

void CodeJudge::MeetAll(const SlotCopy& slot) {
  for (int i = 0; i < slot.tail.n_links; i++) Meet(slot.links[i]);
}

bool CodeJudge::IsGood(ElementId id) {
  n_ = 0;
  leaders_.Clear();
  met_.Clear();
  met_.Insert(id);
  SlotCopy slot;
  if (!ReadCode(id, &slot, base_) || slot.head.state != SlotState::kLinked) return false;
  MeetAll(slot);
  // Those of its own list: meeting their neighbours changes who leads.
  const auto leaders = leaders_;
  for (const Leader& leader : leaders) {
    ReadSlot(*index_, leader.id, &slot, nullptr);
    if (slot.head.state == SlotState::kLinked) MeetAll(slot);
  }
  const CodeQuality quality = JudgeCode(space_, base_, pointers_, n_);
  return quality.Known() && quality.Good();
}

}  // namespace hnswpg
