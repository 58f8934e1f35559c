// An array that grows, in memory from an arena.
#ifndef HNSWPG_CORE_MEMORY_POD_VECTOR_H_
#define HNSWPG_CORE_MEMORY_POD_VECTOR_H_

#include <algorithm>
#include <cstddef>

#include "hnswpg/core/memory/arena.h"

namespace hnswpg {

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

}  // namespace hnswpg

#endif  // HNSWPG_CORE_MEMORY_POD_VECTOR_H_
