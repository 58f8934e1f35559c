// A set of integers, in memory from an arena.
#ifndef HNSWPG_CORE_MEMORY_FLAT_SET_H_
#define HNSWPG_CORE_MEMORY_FLAT_SET_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hnswpg/core/limits.h"
#include "hnswpg/core/memory/arena.h"
#include "hnswpg/core/pause.h"

namespace hnswpg {

// Fibonacci hashing: the high bits of the product are well mixed.
inline uint32_t MixBits(uint32_t key) { return key * 0x9E3779B1u; }
inline uint32_t MixBits(uint64_t key) {
  return static_cast<uint32_t>((key * 0x9E3779B97F4A7C15u) >> 32);
}

// A set of unsigned integers, the greatest of which cannot be a member: open
// addressing, half full at most. Small enough to stay in cache where its members are
// some thousands.
template <class Key>
class FlatSet {
 public:
  // `pause`: called now and then while the set grows, which takes long where it is large. If it
  // does not come back the set is of no use any more.
  explicit FlatSet(Arena arena, Pause pause = nullptr) : arena_(arena), pause_(pause) {}

  // True if the key was not there yet.
  bool Insert(Key key) {
    if (2 * size_ >= capacity_) Grow();
    Key* slot = Find(key);
    if (*slot == key) return false;
    *slot = key;
    size_++;
    return true;
  }
  bool Contains(Key key) const { return size_ > 0 && *Find(key) == key; }
  void Clear() {
    if (size_ > 0) std::fill(slots_, slots_ + capacity_, kNone);
    size_ = 0;
  }
  size_t size() const { return size_; }

 private:
  static constexpr Key kNone = static_cast<Key>(-1);
  static constexpr size_t kStep = 1 << 16;
  void PauseNow() const {
    if (pause_ != nullptr) pause_();
  }
  Key* Find(Key key) const {
    size_t i = MixBits(key) >> shift_;
    while (slots_[i] != key && slots_[i] != kNone) i = (i + 1) & (capacity_ - 1);
    return slots_ + i;
  }
  void Grow() {
    Key* old = slots_;
    const size_t old_capacity = capacity_;
    shift_ = old ? shift_ - 1 : 32 - 12;
    capacity_ = size_t{1} << (32 - shift_);
    slots_ = static_cast<Key*>(arena_.resize(arena_.context, nullptr, capacity_ * sizeof(Key)));
    for (size_t done = 0; done < capacity_; done += kStep) {
      PauseNow();
      std::fill_n(slots_ + done, std::min(kStep, capacity_ - done), kNone);
    }
    for (size_t i = 0; i < old_capacity; i++) {
      if (i % kStep == 0) PauseNow();
      if (old[i] != kNone) *Find(old[i]) = old[i];
    }
    if (old) arena_.resize(arena_.context, old, 0);
  }

  Arena arena_;
  Pause pause_;
  Key* slots_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  int shift_ = 32;
};
using IdSet = FlatSet<ElementId>;

}  // namespace hnswpg

#endif  // HNSWPG_CORE_MEMORY_FLAT_SET_H_
