// The graph on pages, as core's walk wants to see it (hnswpg/core/walk.h).
#ifndef HNSWPG_STORAGE_PAGE_GRAPH_H_
#define HNSWPG_STORAGE_PAGE_GRAPH_H_

#include "hnswpg/core/element.h"
#include "hnswpg/core/walk.h"
#include "hnswpg/storage/index.h"
#include "hnswpg/storage/peek.h"

namespace hnswpg {

// Reads for one query. Holds no lock and no pin between calls. Every function
// may raise what reading a page raises, and ERRCODE_INDEX_CORRUPTED.
class PageGraph {
 public:
  explicit PageGraph(const Index* index)
      : index_(index),
        limit_(index->meta.next_element),
        upper_limit_(index->meta.next_upper),
        peeker_(index->rel),
        peeks_(CanPeek()),
        tag_(compat::TagOf(index->rel, 0)) {}

  // The query's code, before anything is measured: contiguous; neither it nor what it
  // points to changes before the next call.
  void set_code(const void* code) { query_ = QueryCode(&index_->space, code); }
  // From now on everything is read under its page's lock. Who holds the graph lock, or the link
  // lock exclusively, then walks the graph as it is.
  void ReadUnderLocks() { peeks_ = false; }
  // Back to looks without a lock, where they can be.
  void ReadByPeeks() { peeks_ = CanPeek(); }
  // Whether dead elements may be found too (an insertion into a graph that has
  // no other).
  void set_find_dead(bool find_dead) { find_dead_ = find_dead; }

  // For core's walk. An element that is no longer in the graph, or not on this level,
  // has no neighbours. Read without a lock where that can be, else under the page's
  // share lock.
  int ReadLinks(ElementId id, int level, ElementId* out);
  void PrefetchLinks(ElementId id, int level);
  // For core's walk. Reads codes without a lock or a pin where it can. Answers interrupts
  // where pages come from disk.
  void Measure(const ElementId* ids, int n, Measured* out);
  // The same, for any number of elements most of which lie beside the one before; and
  // the versions of their slots. Under the page's share lock: no walk comes by these again, so
  // what is misread here would be missed.
  void MeasureInOrder(const ElementId* ids, int n, Measured* out, uint32_t* versions);

  // Meta::n_reroutings as it is now, after all that was read before. Without the metapage's lock,
  // which others hold often: it is one aligned word of a pinned page.
  uint32_t ReadReroutings();

 private:
  int ReadLevel0(ElementId id, ElementId* out);
  int PeekLevel0(ElementId id, ElementId* out);
  int PeekUpper(ElementId id, int level, ElementId* out);
  bool AllExist(const ElementId* ids, int n) const;
  int ReadUpper(ElementId id, int level, ElementId* out);
  UpperId FirstUpper(ElementId id);
  void CheckUpper(UpperId upper, ElementId from);
  void CheckIds(const ElementId* ids, int n, BlockNumber block, ElementId from);
  template <int kLines>
  void LookAt(const ElementId* ids, int n, BlockNumber* blocks, Peek* peeks, const char** codes);
  void MeasureOnPage(BlockNumber block, const ElementId* ids, int n, Measured* out,
                     uint32_t* versions);
  bool Holds(const Peek& peek, BlockNumber block);
  bool Held(const Peek& peek, BlockNumber block);
  Measured MeasureLocked(ElementId id, uint32_t* version = nullptr);
  CodeSum SumPieces(ElementId id, const char* first_page) const;
  bool CanPeek() const {
    return index_->layout.pages_per_slot() == 1 && !RelationUsesLocalBuffers(index_->rel);
  }
  bool RoutesOnly(SlotState state) const {
    return state != SlotState::kLinked && !(find_dead_ && state == SlotState::kDead);
  }

  const Index* index_;
  QueryCode query_;
  uint32_t limit_;  // ids below it are known to exist
  uint32_t upper_limit_;
  Peeker peeker_;
  bool peeks_;  // slots are read without a pin
  bool find_dead_ = false;
  BufferTag tag_;  // of the index's file; the block is filled in by Held
};

using PageWalk = Walk<PageGraph>;

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_GRAPH_H_
