// The pending elements that one search ranks among those it walks to.
//
// Invariant: an element that the pending list had when Measure read it is here, with the code
// and the version that its slot had then or later, or it is in the graph before the walk begins.
#ifndef HNSWPG_STORAGE_SEARCH_PENDING_FRONT_H_
#define HNSWPG_STORAGE_SEARCH_PENDING_FRONT_H_

#include "hnswpg/storage/graph/page_graph.h"
#include "hnswpg/storage/page/pending.h"

namespace hnswpg {

// Holds no lock and no pin between calls. Memory from the arena it is made with. Every function
// that reads may raise what reading an index and what an interrupt raises.
class PendingFront {
 public:
  // `index` and `graph` outlive it; the graph's query is the search's.
  PendingFront(const HnswIndex* index, PageGraph* graph, Arena arena);

  // Reads the pending list and measures all elements on it, in place of what was here before.
  // Returns the metapage's fields, as they were with that list. One page at a time is
  // share-locked: nothing else would find a row whose distance came out wrong.
  Meta Measure();
  // Whether the list was empty.
  bool empty() const { return runs_.empty(); }

  // Offers the nearest to a walk that has found up to `n`: as many as are near enough. Those
  // will not be taken again.
  void OfferTo(PageWalk* walk, size_t n);
  // Appends those that have not been taken and are not farther than that, nearest first. False
  // if there are none.
  bool TakeUpTo(float distance, PodVector<Candidate>* out);

  // The version of the element's slot when it was pending. False if it was not.
  bool WasPending(ElementId id, uint32_t* version) const;

 private:
  void MeasureRun(const PendingRun& run);
  void SortNearest(size_t n);

  const HnswIndex* index_;
  PageGraph* graph_;
  bool exactly_ = false;          // how elements are measured
  PodVector<PendingRun> runs_;    // the list's ids,
  PodVector<uint32_t> versions_;  //   and their slots' versions, in the same order
  PodVector<Candidate> pending_;  // all of them; taken up to here:
  size_t next_ = 0;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_SEARCH_PENDING_FRONT_H_
