// What a walk may use up, and how it is stopped.
//
// A walk reports what it measures. In return it learns whether it has to end, and from time to
// time it calls its owner's pause, where the owner may look for interrupts and raise an error.
// No locks; nothing here has a destructor, so a pause need not come back.
#ifndef HNSWPG_CORE_WALK_BUDGET_H_
#define HNSWPG_CORE_WALK_BUDGET_H_

#include <algorithm>
#include <cstddef>
#include <limits>

#include "hnswpg/core/pause.h"

namespace hnswpg {

class Budget {
 public:
  static constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();

  explicit Budget(Pause pause = nullptr) : pause_(pause) {}

  // Nothing has been measured yet. The limit stays.
  void Reset() { measured_ = 0; }
  // How many elements may be measured, counted since Reset. A walk ends after the element
  // whose neighbours pass the limit.
  void set_limit(size_t limit) { limit_ = limit; }
  bool spent() const { return measured_ >= limit_; }

  // One list was read and `n` elements were measured. Pauses where it is time for that.
  void Spend(int n) {
    measured_ += n;
    since_pause_ += n + 1;
    if (since_pause_ >= kBetweenPauses) Rest();
  }

  size_t measured() const { return measured_; }
  Pause pause() const { return pause_; }

 private:
  // Elements and lists. Even the widest elements, 64 kB each, are measured so often within a
  // few milliseconds; of the narrowest, so many take longer than a pause by far.
  static constexpr int kBetweenPauses = 64;

  void Rest() {
    since_pause_ = 0;
    if (pause_) pause_();
  }

  Pause pause_;
  size_t limit_ = kNoLimit;
  size_t measured_ = 0;
  int since_pause_ = 0;
};

// An order that pauses after every some thousand comparisons. It may be copied.
template <class Less>
class PausingOrder {
 public:
  PausingOrder(Less less, Pause pause, int* n) : less_(less), pause_(pause), n_(n) {}
  template <class T>
  bool operator()(const T& a, const T& b) const {
    if (++*n_ >= kBetweenPauses) {
      *n_ = 0;
      pause_();
    }
    return less_(a, b);
  }

 private:
  static constexpr int kBetweenPauses = 4096;
  Less less_;
  Pause pause_;
  int* n_;
};

// Up to so many are sorted without a pause: it takes less than a millisecond.
inline constexpr size_t kSortedAtOnce = 8192;

// std::sort and std::nth_element of however many items, which own nothing. Where the pause
// raises an error the items are in no order and some may be lost.
template <class T, class Less>
void SortPausing(T* first, T* last, Less less, Pause pause) {
  int n = 0;
  if (pause == nullptr || static_cast<size_t>(last - first) <= kSortedAtOnce) {
    std::sort(first, last, less);
  } else {
    std::sort(first, last, PausingOrder<Less>(less, pause, &n));
  }
}
template <class T, class Less>
void SelectPausing(T* first, T* nth, T* last, Less less, Pause pause) {
  int n = 0;
  if (pause == nullptr || static_cast<size_t>(last - first) <= kSortedAtOnce) {
    std::nth_element(first, nth, last, less);
  } else {
    std::nth_element(first, nth, last, PausingOrder<Less>(less, pause, &n));
  }
}

}  // namespace hnswpg

#endif  // HNSWPG_CORE_WALK_BUDGET_H_
