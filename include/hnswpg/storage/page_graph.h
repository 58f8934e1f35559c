// The graph on pages, as core's walk wants to see it (hnswpg/core/walk.h).
#ifndef HNSWPG_STORAGE_PAGE_GRAPH_H_
#define HNSWPG_STORAGE_PAGE_GRAPH_H_

#include "hnswpg/core/element.h"
#include "hnswpg/core/walk.h"
#include "hnswpg/storage/buffer_hint.h"
#include "hnswpg/storage/index.h"

namespace hnswpg {

// Reads for one query. Holds no lock and no pin between calls. Every function
// may raise what reading a page raises, and ERRCODE_INDEX_CORRUPTED.
class PageGraph {
 public:
  // `code`: the query's code, contiguous; outlives this object.
  PageGraph(const Index* index, const void* code)
      : index_(index),
        code_(code),
        limit_(index->meta.next_element),
        upper_limit_(index->meta.next_upper) {
    tag_ = compat::TagOf(index->rel, 0);
  }

  void set_code(const void* code) { code_ = code; }
  // Whether dead elements may be found too (an insertion into a graph that has
  // no other).
  void set_find_dead(bool find_dead) { find_dead_ = find_dead; }

  // For core's walk. A neighbour list is copied under the page's share lock. An
  // element that is no longer in the graph, or not on this level, has none.
  int ReadLinks(ElementId id, int level, ElementId* out);
  // For core's walk. Reads codes without a lock, and without a pin where it can.
  void Measure(const ElementId* ids, int n, Measured* out);
  // The same, for any number of elements most of which lie beside the one before; and
  // the versions of their slots.
  void MeasureInOrder(const ElementId* ids, int n, Measured* out, uint32_t* versions);

  // Meta::n_reroutings as it is now, after all that was read before. Needs no lock: it
  // is one aligned word.
  uint32_t ReadReroutings();

 private:
  int ReadLevel0(ElementId id, ElementId* out);
  int ReadUpper(ElementId id, int level, ElementId* out);
  UpperId FirstUpper(ElementId id);
  void CheckUpper(UpperId upper, ElementId from);
  void CheckIds(const ElementId* ids, int n, BlockNumber block, ElementId from);
  bool MeasureOnPage(BlockNumber block, const ElementId* ids, int n, Measured* out,
                     uint32_t* versions);
  Measured MeasurePinned(ElementId id, uint32_t* version = nullptr);
  float DistanceTo(const char* slot) const {
    return index_->space.Distance(code_, slot + offsetof(ElementHead, code));
  }
  bool RoutesOnly(SlotState state) const {
    return state != SlotState::kLinked && !(find_dead_ && state == SlotState::kDead);
  }

  const Index* index_;
  const void* code_;
  uint32_t limit_;  // ids below it are known to exist
  uint32_t upper_limit_;
  bool find_dead_ = false;
  BufferTag tag_;  // of the index's file; the block is filled in
};

using PageWalk = Walk<PageGraph>;

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_GRAPH_H_
