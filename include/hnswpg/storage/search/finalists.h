// The elements that a round has found, on their way from the distances of codes to exact ones.
//
// The rule of errors is here and nowhere else: how far a code's distance may be off is judged by
// the errors met so far, and from that follow which rows may be handed out before all finalists
// have been read, and how much of what is pending has to be read.
#ifndef HNSWPG_STORAGE_SEARCH_FINALISTS_H_
#define HNSWPG_STORAGE_SEARCH_FINALISTS_H_

#include <limits>

#include "hnswpg/core/memory/arena.h"
#include "hnswpg/core/memory/candidate_heap.h"
#include "hnswpg/core/memory/pod_vector.h"

namespace hnswpg {

// Plain memory from an arena; no locks. What sorts may raise what an interrupt raises.
class Finalists {
 public:
  // `has_codes`: by code distances may differ from exact ones; of elements that the index
  // measures exactly they do not.
  Finalists(Arena arena, uint32_t dim, bool has_codes)
      : all_(arena), dim_(dim), has_codes_(has_codes) {}

  // In place of what was here: what a walk found, which is empty then.
  void Take(FarthestFirstHeap* found);
  void Clear();

  // To be read next, nearest by code first.
  bool all_read() const { return next_ == all_.size(); }
  const Candidate& Next() { return all_[next_++]; }
  // Those that should be read before rows are handed out again, where `waiting` rows wait
  // already. Many at a time where these are many, so that sorting them stays cheap.
  size_t BatchSize(size_t waiting) const;
  // The i-th after the one read last, for prefetching.
  const Candidate& Ahead(size_t i) const { return all_[next_ + i]; }

  // An element whose code's distance was `by_code` has the exact distance `exact`.
  void NoteError(float by_code, float exact);
  // No finalist that is not read yet is expected to be nearer than this. There is one.
  float LeastExact() const {
    if (!KnowsErrors()) return -std::numeric_limits<float>::infinity();
    return all_[next_].distance - kErrorsSpared * largest_error_;
  }
  // Whatever is pending and not farther by its code than this may be as near as the farthest
  // that the round has found.
  float FarthestWanted() const { return horizon_ + kErrorsSpared * largest_error_; }
  // More of them, in order; they come after those that are here.
  PodVector<Candidate>* more() { return &all_; }

 private:
  // Elements that are measured exactly say nothing of the errors of those that are not.
  bool KnowsErrors() const { return !has_codes_ || n_errors_ >= kFirst; }

  // So many are read at first, and so many more at a time. The largest error of those read
  // counts kErrorsSpared times: a code's error is a sum over dimensions, near to normally
  // distributed where these are many, and the largest of ten is beyond one standard deviation
  // nearly always. With few dimensions that is not so, and all are read at once; the error of
  // that many is relied upon for what is pending beyond them.
  static constexpr size_t kFirst = 10;
  static constexpr size_t kMore = 4;
  static constexpr float kErrorsSpared = 4.0f;
  static constexpr uint32_t kFewDimensions = 64;

  PodVector<Candidate> all_;  // nearest by code first
  size_t next_ = 0;           //   not read yet from here on
  uint32_t dim_;
  bool has_codes_;
  size_t n_errors_ = 0;      // that have been met: of elements measured by codes
  float horizon_ = 0;        // distance of the farthest that the walk found
  float largest_error_ = 0;  // met so far in this search
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_SEARCH_FINALISTS_H_
