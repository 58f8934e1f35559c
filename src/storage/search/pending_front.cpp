// Measures what is pending, and hands it to the search nearest first.
#include "hnswpg/storage/search/pending_front.h"

#include <algorithm>
#include <functional>

#include "hnswpg/storage/graph/slot_reader.h"
#include "storage/page/interrupts.h"

namespace hnswpg {

PendingFront::PendingFront(const HnswIndex* index, PageGraph* graph, Arena arena)
    : index_(index), graph_(graph), runs_(arena), versions_(arena), pending_(arena) {}

Meta PendingFront::Measure() {
  runs_.Clear();
  versions_.Clear();
  pending_.Clear();
  next_ = 0;
  // The index was opened after the snapshot was taken: what was linked by then is all that
  // there is, if nothing was pending.
  if (index_->meta.n_runs == 0) return index_->meta;
  // Others hold the metapage's lock often, so it is read once.
  const Meta meta = ReadPendingRuns(*index_, &runs_);
  // Whether its code tells a pending element from its neighbours is not known yet. Where all
  // that is linked is measured by codes, the errors met there and here tell how far to look
  // (Finalists); where some of it is not, its exact distances would put a pending element's
  // code behind them unseen. So it would where the linked ones have codes by a newer book
  // than ours.
  exactly_ = meta.n_exact > 0 || meta.book != index_->parameters.book;
  for (const PendingRun& run : runs_) MeasureRun(run);
  return meta;
}

void PendingFront::MeasureRun(const PendingRun& run) {
  ElementId ids[kMaxLinks];
  Measured measured[kMaxLinks];
  uint32_t versions[kMaxLinks];
  for (uint32_t done = 0; done < run.count;) {
    CHECK_FOR_INTERRUPTS();
    const int n = static_cast<int>(std::min<uint32_t>(kMaxLinks, run.count - done));
    for (int i = 0; i < n; i++) ids[i] = run.first + done + i;
    graph_->MeasureInOrder(ids, n, exactly_, measured, versions);
    for (int i = 0; i < n; i++) {
      versions_.Push(versions[i]);
      pending_.Push(Candidate{PendingDistance(measured[i].distance), ids[i]});
    }
    done += n;
  }
}

// Nearest first, so that none is found and then falls out again.
void PendingFront::OfferTo(PageWalk* walk, size_t n) {
  SortNearest(n);
  const size_t end = std::min(next_ + n, pending_.size());
  while (next_ < end && walk->Offer(pending_[next_], n)) {
    CHECK_FOR_INTERRUPTS();
    next_++;
  }
}

// Puts the `n` nearest of those not taken yet first, in order.
void PendingFront::SortNearest(size_t n) {
  Candidate* first = pending_.begin() + next_;
  const size_t left = pending_.size() - next_;
  if (n < left) {
    SelectPausing(first, first + n, pending_.end(), std::less<Candidate>(), &AnswerInterrupts);
  }
  SortPausing(first, first + std::min(n, left), std::less<Candidate>(), &AnswerInterrupts);
}

bool PendingFront::TakeUpTo(float distance, PodVector<Candidate>* out) {
  if (next_ == pending_.size()) return false;
  Candidate* first = pending_.begin() + next_;
  Candidate* last = std::partition(
      first, pending_.end(), [distance](const Candidate& c) { return c.distance <= distance; });
  SortPausing(first, last, std::less<Candidate>(), &AnswerInterrupts);
  next_ += last - first;
  for (const Candidate* c = first; c != last; c++) out->Push(*c);
  return first != last;
}

bool PendingFront::WasPending(ElementId id, uint32_t* version) const {
  size_t before = 0;
  for (const PendingRun& run : runs_) {
    if (id - run.first < run.count) {
      *version = versions_[before + (id - run.first)];
      return true;
    }
    before += run.count;
  }
  return false;
}

}  // namespace hnswpg
