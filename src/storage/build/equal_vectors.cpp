// Open addressing, at most three quarters full.
#include "hnswpg/storage/build/equal_vectors.h"

extern "C" {
#include "common/hashfn.h"
}

#include <algorithm>

#include "hnswpg/storage/graph/slot_reader.h"

namespace hnswpg {

EqualVectors::EqualVectors(const HnswIndex* index)
    : index_(index),
      arena_(ContextArena(CurrentMemoryContext)),
      scratch_(palloc(index->space.vector_bytes())) {}

ElementId EqualVectors::Find(const void* vector) {
  const size_t bytes = index_->space.vector_bytes();
  hash_ = hash_bytes(static_cast<const unsigned char*>(vector), bytes);
  if (capacity_ == 0) return kNoId;
  for (uint32_t at = hash_;; at++) {
    const Entry* entry = Probe(at);
    if (entry->id == kNoId) return kNoId;
    if (entry->hash != hash_) continue;
    ReadVector(*index_, entry->id, scratch_);
    if (memcmp(scratch_, vector, bytes) == 0) return entry->id;
  }
}

void EqualVectors::Remember(ElementId id) {
  if (4 * (size_ + 1) > 3 * capacity_) Grow();
  Insert(Entry{hash_, id});
  size_++;
}

void EqualVectors::Insert(const Entry& entry) {
  uint32_t at = entry.hash;
  while (Probe(at)->id != kNoId) at++;
  *Probe(at) = entry;
}

void EqualVectors::Grow() {
  Entry* old = entries_;
  const size_t old_capacity = capacity_;
  capacity_ = std::max<size_t>(1024, 2 * capacity_);
  entries_ = static_cast<Entry*>(arena_.resize(arena_.context, nullptr, capacity_ * sizeof(Entry)));
  std::fill(entries_, entries_ + capacity_, Entry{0, kNoId});
  for (size_t i = 0; i < old_capacity; i++) {
    if (old[i].id != kNoId) Insert(old[i]);
  }
  if (old) arena_.resize(arena_.context, old, 0);
}

void EqualVectors::Free() {
  if (entries_) arena_.resize(arena_.context, entries_, 0);
  entries_ = nullptr;
  size_ = 0;
  capacity_ = 0;
}

}  // namespace hnswpg
