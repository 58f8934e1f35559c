// Filling a new index: elements as the table's rows come, then the graph that
// was built in memory meanwhile. The file is the building transaction's own and
// is WAL-logged as a whole in the end, so pages are changed in place.
#ifndef HNSWPG_STORAGE_LOADER_H_
#define HNSWPG_STORAGE_LOADER_H_

#include "hnswpg/core/element.h"
#include "hnswpg/core/graph_builder.h"
#include "hnswpg/storage/index.h"

namespace hnswpg {

// Knows, while an index is loaded, which vectors it has. Memory from the context
// it was made in: 16 bytes an element or less, but for a moment of growth.
class EqualVectors {
 public:
  explicit EqualVectors(const Index* index);
  // The element with exactly this vector, or kNoId.
  ElementId Find(const float* vector);
  // The vector that Find was just asked about is element `id` from now on.
  void Remember(ElementId id);
  size_t memory_used() const { return capacity_ * sizeof(Entry); }

 private:
  struct Entry {
    uint32_t fingerprint;
    ElementId id;  // kNoId: empty
  };
  void Grow();
  Entry* Probe(uint64_t hash) { return &entries_[hash & (capacity_ - 1)]; }

  const Index* index_;
  Arena arena_;
  Entry* entries_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  uint64_t hash_ = 0;  // of the vector asked about last
  float* scratch_;
};

class Loader {
 public:
  explicit Loader(const Index* index);

  // Writes element `id`, all but its links. Ids come in order, from 0.
  void AddElement(ElementId id, const void* code, const float* vector, ItemPointer tid);
  // A further heap TID of an element that was added.
  void AddTid(ElementId id, ItemPointer tid);
  // Writes the links of all elements, and the metapage. Interruptible.
  void Finish(const GraphBuilder& graph);

  size_t memory_used() const { return extra_tids_.size() * sizeof(ExtraTid); }

 private:
  struct ExtraTid {
    ElementId id;
    TidEntry tid;
  };
  void WriteLinks(const GraphBuilder& graph, ElementId id);
  void WriteUppers(const GraphBuilder& graph, ElementId id);
  void WriteContainers();
  void WriteMeta(const GraphBuilder& graph);

  const Index* index_;
  uint32_t next_element_ = 0;
  uint32_t next_upper_ = 0;
  uint32_t n_tid_slots_ = 0;
  uint64_t n_tids_ = 0;
  PodVector<ExtraTid> extra_tids_;  // those that do not fit into the slot
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_LOADER_H_
