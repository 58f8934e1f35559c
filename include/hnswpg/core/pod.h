// Containers for the graph walk that own nothing: they are trivially
// destructible, so an error that unwinds with longjmp may pass over them, and
// their memory comes from an Arena (a PostgreSQL memory context, or malloc in
// tests) that outlives them and frees everything at once.
#ifndef HNSWPG_CORE_POD_H_
#define HNSWPG_CORE_POD_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hnswpg/core/layout.h"

namespace hnswpg {

struct Arena {
  // Returns `bytes` bytes holding what `old` (null at first) held; 0 bytes frees
  // it. Does not return when memory is short: it raises the error, or ends the
  // process.
  void* (*resize)(void* context, void* old, size_t bytes);
  void* context;
};

template <class T>
class PodVector {
 public:
  explicit PodVector(Arena arena) : arena_(arena) {}

  void Push(const T& value) {
    Reserve(size_ + 1);
    data_[size_++] = value;
  }
  // Without a jump; there must be room for it.
  void PushIf(bool wanted, const T& value) {
    data_[size_] = value;
    size_ += wanted;
  }
  void Reserve(size_t capacity) {
    if (capacity > capacity_) Resize(capacity);
  }
  void Pop() { size_--; }
  void Truncate(size_t size) { size_ = size; }
  void Clear() { size_ = 0; }

  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T& back() { return data_[size_ - 1]; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  void Resize(size_t capacity) {
    // The arena may not come back; what is kept beyond an error must stay as it was.
    const size_t room = std::max({size_t{64}, capacity, 2 * capacity_});
    data_ = static_cast<T*>(arena_.resize(arena_.context, data_, room * sizeof(T)));
    capacity_ = room;
  }

  Arena arena_;
  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

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
  explicit FlatSet(Arena arena) : arena_(arena) {}

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
    std::fill(slots_, slots_ + capacity_, kNone);
    for (size_t i = 0; i < old_capacity; i++) {
      if (old[i] != kNone) *Find(old[i]) = old[i];
    }
    if (old) arena_.resize(arena_.context, old, 0);
  }

  Arena arena_;
  Key* slots_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  int shift_ = 32;
};
using IdSet = FlatSet<ElementId>;

}  // namespace hnswpg

#endif  // HNSWPG_CORE_POD_H_
