// The order in which a round's elements are read, and the rule of errors.
#include "hnswpg/storage/search/finalists.h"

#include <cmath>
#include <functional>

#include "storage/page/interrupts.h"

namespace hnswpg {

void Finalists::Take(FarthestFirstHeap* found) {
  Clear();
  for (const Candidate& c : found->items()) all_.Push(c);
  SortPausing(all_.begin(), all_.end(), std::less<Candidate>(), &AnswerInterrupts);
  if (!all_.empty()) horizon_ = all_.back().distance;
  found->Clear();
}

void Finalists::Clear() {
  all_.Clear();
  next_ = 0;
}

size_t Finalists::BatchSize(size_t waiting) const {
  const size_t first = dim_ < kFewDimensions ? all_.size() : kFirst;
  const size_t few = next_ == 0 ? first : KnowsErrors() ? kMore : all_.size();
  return std::min(all_.size() - next_, std::max(few, waiting / 4));
}

void Finalists::NoteError(float by_code, float exact) {
  n_errors_ += by_code != exact ? 1 : 0;
  largest_error_ = std::max(largest_error_, std::fabs(exact - by_code));
}

}  // namespace hnswpg
