// Elements at a distance to the query, and heaps of them.
#ifndef HNSWPG_CORE_MEMORY_CANDIDATE_HEAP_H_
#define HNSWPG_CORE_MEMORY_CANDIDATE_HEAP_H_

#include <algorithm>
#include <cstddef>

#include "hnswpg/core/limits.h"
#include "hnswpg/core/memory/pod_vector.h"

namespace hnswpg {

// An element and its distance to the query. Ordered by distance, then id, so
// that equal distances do not make results depend on the order of visits.
struct Candidate {
  float distance;
  ElementId id;
};
inline bool operator<(const Candidate& a, const Candidate& b) {
  // Without a jump, which nobody could predict.
  return (a.distance < b.distance) | ((a.distance == b.distance) & (a.id < b.id));
}

// A binary heap in a PodVector; kNearestFirst says which end is on top.
template <bool kNearestFirst>
class CandidateHeap {
 public:
  explicit CandidateHeap(Arena arena) : items_(arena) {}
  void Push(Candidate c) {
    items_.Push(c);
    std::push_heap(items_.begin(), items_.end(), Below());
  }
  Candidate Pop() {
    const Candidate top = items_[0];
    const Candidate last = items_.back();
    items_.Pop();
    if (!items_.empty()) SinkFromTop(last);
    return top;
  }
  // Pop and Push in one: the heap must not be empty.
  Candidate ReplaceTop(Candidate c) {
    const Candidate top = items_[0];
    SinkFromTop(c);
    return top;
  }
  const Candidate& top() const { return items_[0]; }
  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  void Clear() { items_.Clear(); }
  const PodVector<Candidate>& items() const { return items_; }

 private:
  // An object, not a function, so that it is inlined into the algorithms.
  struct Below {
    bool operator()(const Candidate& a, const Candidate& b) const {
      return kNearestFirst ? b < a : a < b;
    }
  };
  // Puts `c` where the top was, and as far down as it belongs.
  void SinkFromTop(Candidate c) {
    Candidate* const items = items_.begin();
    const size_t n = items_.size();
    size_t hole = 0;
    for (size_t child = 1; child < n; child = 2 * hole + 1) {
      // Which child is a coin's toss: added up, not branched on.
      if (child + 1 < n) child += Below()(items[child], items[child + 1]);
      if (!Below()(c, items[child])) break;
      items[hole] = items[child];
      hole = child;
    }
    items[hole] = c;
  }
  PodVector<Candidate> items_;
};
using NearestFirstHeap = CandidateHeap<true>;
using FarthestFirstHeap = CandidateHeap<false>;

}  // namespace hnswpg

#endif  // HNSWPG_CORE_MEMORY_CANDIDATE_HEAP_H_
