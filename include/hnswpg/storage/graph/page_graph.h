// The graph on pages, as core's walk wants to see it (hnswpg/core/walk/walk.h).
#ifndef HNSWPG_STORAGE_GRAPH_PAGE_GRAPH_H_
#define HNSWPG_STORAGE_GRAPH_PAGE_GRAPH_H_

#include "hnswpg/core/format/element.h"
#include "hnswpg/core/walk/walk.h"
#include "hnswpg/storage/graph/element_view.h"
#include "hnswpg/storage/page/index.h"
#include "hnswpg/storage/page/peek.h"

namespace hnswpg {

// Reads for one query. Holds no lock and no pin between calls. Every function
// may raise what reading a page raises, and ERRCODE_INDEX_CORRUPTED.
class PageGraph {
 public:
  // Scratch memory comes from the current memory context.
  explicit PageGraph(const HnswIndex* index)
      : index_(index),
        limit_(index->meta.next_element),
        upper_limit_(index->meta.next_upper),
        peeker_(index->rel),
        peeks_(CanPeek()),
        tag_(compat::TagOf(index->rel, 0)),
        context_(CurrentMemoryContext) {}

  // What is measured from, before anything is measured: the query's code, contiguous, and
  // its vector, for elements whose codes do not do. Neither changes before the next call.
  void set_query(const void* code, const void* vector) {
    query_ = QueryCode(&index_->space, code);
    vector_ = vector;
    element_ = nullptr;
  }
  // The same for an element; by codes only as long as its own code does.
  void set_query(const ElementView* element) {
    set_query(element->code(), nullptr);
    element_ = element;
  }
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
  // `exactly`: by vectors, whatever the codes are worth.
  void MeasureInOrder(const ElementId* ids, int n, bool exactly, Measured* out, uint32_t* versions);

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
  void MeasureOnPage(BlockNumber block, const ElementId* ids, int n, bool exactly, Measured* out,
                     uint32_t* versions);
  bool Holds(const Peek& peek, BlockNumber block);
  bool Held(const Peek& peek, BlockNumber block);
  Measured MeasureLocked(ElementId id, bool exactly = false, uint32_t* version = nullptr);
  float MeasureExactly(ElementId id);
  // Whether the distance to an element is the one between its code and the query's.
  bool ByCode(uint16_t book) const {
    return IsCoded(*index_, book) && (element_ == nullptr || element_->is_coded());
  }
  const void* QueryVector() const { return element_ == nullptr ? vector_ : element_->vector(); }
  CodeSum SumPieces(ElementId id, const char* first_page) const;
  bool CanPeek() const {
    return index_->layout.pages_per_slot() == 1 && !RelationUsesLocalBuffers(index_->rel);
  }
  bool RoutesOnly(SlotState state) const {
    return state != SlotState::kLinked && !(find_dead_ && state == SlotState::kDead);
  }

  const HnswIndex* index_;
  QueryCode query_;
  const void* vector_ = nullptr;  // the query's
  const ElementView* element_ = nullptr;
  void* scratch_ = nullptr;  // room for an element's vector, once it was needed
  uint32_t limit_;            // ids below it are known to exist
  uint32_t upper_limit_;
  Peeker peeker_;
  bool peeks_;  // slots are read without a pin
  bool find_dead_ = false;
  BufferTag tag_;          // of the index's file; the block is filled in by Held
  MemoryContext context_;  // that scratch_ comes from
};

using PageWalk = Walk<PageGraph>;

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_GRAPH_PAGE_GRAPH_H_
