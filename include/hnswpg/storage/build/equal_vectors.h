// Knows, while an index is loaded, which vectors it has.
#ifndef HNSWPG_STORAGE_BUILD_EQUAL_VECTORS_H_
#define HNSWPG_STORAGE_BUILD_EQUAL_VECTORS_H_

#include "hnswpg/core/memory/arena.h"
#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// A hash table of ids that looks at the vectors on their pages, where an element's
// must lie under its id. Memory from the context it was made in: kBytesEach for an
// element or less, but for a moment of growth.
class EqualVectors {
 public:
  static constexpr size_t kBytesEach = 22;  // two entries and two thirds

  explicit EqualVectors(const HnswIndex* index);
  // The element with exactly this vector, or kNoId.
  ElementId Find(const void* vector);
  // The vector that Find was just asked about is element `id` from now on.
  void Remember(ElementId id);
  // Gives its memory back; knows nothing any more.
  void Free();
  size_t memory_used() const { return capacity_ * sizeof(Entry); }

 private:
  struct Entry {
    uint32_t hash;
    ElementId id;  // kNoId: empty
  };
  void Insert(const Entry& entry);
  void Grow();
  Entry* Probe(uint32_t hash) { return &entries_[hash & (capacity_ - 1)]; }

  const HnswIndex* index_;
  Arena arena_;
  Entry* entries_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  uint32_t hash_ = 0;  // of the vector asked about last
  void* scratch_;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_BUILD_EQUAL_VECTORS_H_
