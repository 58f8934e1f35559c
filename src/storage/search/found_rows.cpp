// Rows that were read, in order.
#include "hnswpg/storage/search/found_rows.h"

#include <algorithm>

#include "storage/page/interrupts.h"

namespace hnswpg {
namespace {

uint64_t KeyOf(const ItemPointerData& tid) {
  return static_cast<uint64_t>(ItemPointerGetBlockNumberNoCheck(&tid)) << 16 |
         ItemPointerGetOffsetNumberNoCheck(&tid);
}

}  // namespace

void FoundRows::KeepEachOnce() {
  if (keeps_each_once_) return;
  keeps_each_once_ = true;
  for (const Row& row : rows_) {
    CHECK_FOR_INTERRUPTS();
    known_.Insert(KeyOf(row.ref.tid));
  }
}

void FoundRows::Add(float distance, const TidRef& ref) {
  if (keeps_each_once_ && !known_.Insert(KeyOf(ref.tid))) return;
  rows_.Push(Row{distance, ref});
}

void FoundRows::DropHandedOut() {
  const size_t left = waiting();
  std::copy(rows_.begin() + next_, rows_.end(), rows_.begin());
  rows_.Truncate(left);
  next_ = 0;
  end_ = 0;
}

void FoundRows::Sort() {
  SortPausing(rows_.begin() + next_, rows_.end(), Nearer, &AnswerInterrupts);
}

void FoundRows::LetOutUpTo(float distance) {
  const Row farthest = {distance, {}};
  end_ = std::upper_bound(rows_.begin() + next_, rows_.end(), farthest, Nearer) - rows_.begin();
}

void FoundRows::SkipLate() {
  while (next_ < end_ && rows_[next_].distance < last_distance_) next_++;
}

const TidRef* FoundRows::Next() {
  const Row& row = rows_[next_++];
  last_distance_ = row.distance;
  return &row.ref;
}

int FoundRows::Upcoming(ItemPointerData* tids, int max) {
  if (told_ == end_) return 0;
  told_ = end_;
  const int n = static_cast<int>(std::min<size_t>(end_ - next_, max));
  for (int i = 0; i < n; i++) tids[i] = rows_[next_ + i].ref.tid;
  return n;
}

}  // namespace hnswpg
