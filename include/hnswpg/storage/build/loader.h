// Filling a new index: exact vectors as the table's rows come, then, once the graph
// was built in memory, the elements themselves, each slot written once. The file is
// the building transaction's own and is WAL-logged as a whole in the end.
//
// Vectors come in the heap's order. Where the graph was packed, elements have other
// ids than those they were added as, and the vectors change places before the slots
// are written. Heap TIDs are kept in memory until then, codes are in the graph.
#ifndef HNSWPG_STORAGE_BUILD_LOADER_H_
#define HNSWPG_STORAGE_BUILD_LOADER_H_

#include "hnswpg/core/build/built_graph.h"
#include "hnswpg/core/format/element.h"
#include "hnswpg/storage/page/index.h"
#include "hnswpg/storage/page/page_cursor.h"

namespace hnswpg {

class Loader {
 public:
  static constexpr size_t kBytesEach = 7;  // of memory, for an element with one heap TID

  explicit Loader(const HnswIndex* index);

  // The next element, whose id is the number of elements added so far: writes its
  // vector to where ReadVector finds it.
  void AddElement(const void* code, const void* vector, ItemPointer tid);
  // A further heap TID of an element that was added.
  void AddTid(ElementId id, ItemPointer tid);

  // Whether it is wise to give elements other ids than those they were added as:
  // moving vectors reads and writes their pages at random.
  bool MayPack() const;
  // Writes all elements, and the metapage. The graph is sealed, and packed or not; so many of
  // its elements are blind. Interruptible.
  void Finish(const BuiltGraph& graph, uint32_t n_blind);

  size_t memory_used() const {
    return tids_.size() * kBytesEach + extra_tids_.size() * sizeof(ExtraTid);
  }

 private:
  struct ExtraTid {
    ElementId id;  // as added
    ItemPointerData tid;
  };
  struct Tids {
    ExtraTid* begin;
    ExtraTid* end;
  };
  void MakeBlock(BlockNumber block);
  void MoveVectors(const BuiltGraph& graph);
  void MoveCircle(const BuiltGraph& graph, ElementId first, char* moved);
  void WriteVector(ElementId id, const void* vector);
  void WritePayload(ElementId id, const void* code);
  void WriteElement(const BuiltGraph& graph, ElementId id);
  void WriteSlot(const BuiltGraph& graph, ElementId id, Tids extra, UpperId upper,
                 ElementId container);
  void MakePagesBehind(ElementId id);
  UpperId WriteUppers(const BuiltGraph& graph, ElementId id);
  Tids ExtraTidsOf(ElementId added) const;
  ElementId WriteContainers(ElementId owner, Tids tids);
  void WriteMeta(const BuiltGraph& graph, uint32_t n_blind);

  const HnswIndex* index_;
  BlockNumber n_blocks_;
  PageCursor cursor_;  // slots and vectors
  PageCursor upper_cursor_;
  PageCursor container_cursor_;
  uint32_t next_element_ = 0;
  uint32_t next_upper_ = 0;
  uint32_t n_tid_slots_ = 0;
  PodVector<ItemPointerData> tids_;  // the first of each element, by the id it was added as
  PodVector<ExtraTid> extra_tids_;   // the others
  void* vectors_[2];                 // scratch
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_BUILD_LOADER_H_
