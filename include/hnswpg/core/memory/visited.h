// Which elements a walk has seen: a bit an element.
//
// Kept from one walk to the next, since what was set is remembered and cleared, not
// the whole: a walk of an index of a hundred million elements sees some thousand
// of them, in 12 MB. Memory comes from an arena that lives as long. Left in the middle
// by an error it is as good as before: Clear knows all that was set.
#ifndef HNSWPG_CORE_MEMORY_VISITED_H_
#define HNSWPG_CORE_MEMORY_VISITED_H_

#include "hnswpg/core/limits.h"
#include "hnswpg/core/memory/arena.h"
#include "hnswpg/core/memory/pod_vector.h"

namespace hnswpg {

class VisitedBits {
 public:
  explicit VisitedBits(Arena arena) : arena_(arena), touched_(arena) {}

  void Clear() {
    for (ElementId id : touched_) words_[id / 64] = 0;
    touched_.Clear();
  }

  // True if the element was not there yet.
  bool Insert(ElementId id) {
    MakeRoom(id);
    touched_.Reserve(touched_.size() + 1);
    return Set(id);
  }

  // Keeps those of the `n` ids that were not there yet, in order, and returns their
  // number.
  int InsertAll(ElementId* ids, int n) {
    for (int i = 0; i < n; i++) MakeRoom(ids[i]);
    touched_.Reserve(touched_.size() + n);
    int fresh = 0;
    for (int i = 0; i < n; i++) {
      // Without a jump: whether it was seen nobody could predict.
      const ElementId id = ids[i];
      ids[fresh] = id;
      fresh += Set(id);
    }
    return fresh;
  }

 private:
  // There is room in both arrays.
  bool Set(ElementId id) {
    uint64_t* word = &words_[id / 64];
    const uint64_t bit = uint64_t{1} << (id % 64);
    const bool fresh = (*word & bit) == 0;
    *word |= bit;
    touched_.PushIf(fresh, id);
    return fresh;
  }
  void MakeRoom(ElementId id) {
    if (id / 64 >= capacity_) Grow(id);
  }
  void Grow(ElementId id) {
    const size_t needed = size_t{id} / 64 + 1;
    const size_t capacity = std::max<size_t>({1024, needed + needed / 4});
    words_ =
        static_cast<uint64_t*>(arena_.resize(arena_.context, words_, capacity * sizeof(uint64_t)));
    std::fill(words_ + capacity_, words_ + capacity, uint64_t{0});
    capacity_ = capacity;
  }

  Arena arena_;
  uint64_t* words_ = nullptr;
  size_t capacity_ = 0;
  PodVector<ElementId> touched_;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_MEMORY_VISITED_H_
