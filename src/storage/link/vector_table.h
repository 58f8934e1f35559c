// Which vectors are among the elements of a graph in memory. Private to bulk_*.cpp.
//
// Equal vectors have equal codes, so a table of codes' hashes leads to the few whose
// exact vectors have to be compared. Open addressing, at most half full, of fixed
// size; memory from the context it was made in.
#ifndef HNSWPG_STORAGE_LINK_VECTOR_TABLE_H_
#define HNSWPG_STORAGE_LINK_VECTOR_TABLE_H_

#include "hnswpg/storage/graph/slot_reader.h"

extern "C" {
#include "common/hashfn.h"
#include "port/pg_bitutils.h"
}

namespace hnswpg {

class VectorTable {
 public:
  // For so many members at most.
  VectorTable(const HnswIndex* index, uint32_t members)
      : index_(index),
        mask_(Slots(members) - 1),
        entries_(static_cast<Entry*>(
            MemoryContextAllocHuge(CurrentMemoryContext, Slots(members) * sizeof(Entry)))),
        vector_(palloc(index->space.vector_bytes())),
        other_(palloc(index->space.vector_bytes())) {
    std::fill(entries_, entries_ + mask_ + 1, Entry{0, kNoId});
  }

  static size_t Bytes(uint32_t members) { return Slots(members) * sizeof(Entry); }

  void Insert(const void* code, ElementId id) {
    const uint64_t hash = Hash(code);
    uint64_t at = hash & mask_;
    while (entries_[at].id != kNoId) at = (at + 1) & mask_;
    entries_[at] = Entry{static_cast<uint32_t>(hash >> 32), id};
  }

  // A member with the vector of element `id`, whose code this is; or kNoId.
  ElementId FindEqual(const void* code, ElementId id) {
    const uint64_t hash = Hash(code);
    bool have_vector = false;
    for (uint64_t at = hash & mask_; entries_[at].id != kNoId; at = (at + 1) & mask_) {
      if (entries_[at].fingerprint != static_cast<uint32_t>(hash >> 32)) continue;
      if (!have_vector) ReadVector(*index_, id, vector_);
      have_vector = true;
      ReadVector(*index_, entries_[at].id, other_);
      if (memcmp(vector_, other_, index_->space.vector_bytes()) == 0) return entries_[at].id;
    }
    return kNoId;
  }

 private:
  struct Entry {
    uint32_t fingerprint;
    ElementId id;  // kNoId: empty
  };
  static uint64_t Slots(uint32_t members) {
    return pg_nextpower2_64(2 * std::max<uint64_t>(members, 32));
  }
  uint64_t Hash(const void* code) const {
    return hash_bytes_extended(static_cast<const unsigned char*>(code),
                               static_cast<int>(index_->space.code_bytes()), 0);
  }

  const HnswIndex* index_;
  uint64_t mask_;
  Entry* entries_;
  void* vector_;
  void* other_;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_LINK_VECTOR_TABLE_H_
