// One search of an index: rows in the order of their exact distance, one by one.
#ifndef HNSWPG_STORAGE_SEARCH_SEARCH_H_
#define HNSWPG_STORAGE_SEARCH_SEARCH_H_

#include "hnswpg/storage/graph/page_graph.h"
#include "hnswpg/storage/search/finalists.h"
#include "hnswpg/storage/search/found_rows.h"
#include "hnswpg/storage/search/options.h"
#include "hnswpg/storage/search/pending_front.h"

namespace hnswpg {

// Works in rounds. The first measures the pending elements (pending_front.h) and walks the
// graph, for the ef_search nearest of both; each further round, when more rows are asked
// for, walks on from what was seen, for twice as many as the round before. A
// round's elements are read again under their pages' locks, measured exactly and
// sorted; then their rows are handed out (found_rows.h).
//
// The first round's elements, the finalists (finalists.h), are read in the order of their codes'
// distances and only as far as it takes: a row is handed out once no finalist left
// can be nearer, which most searches can tell before the last. How far a code's
// distance may be off is judged by the errors met so far; a row of which that was
// wrong comes too late, like one of a further round.
//
// In strict order a row that is found after a farther one was handed out is lost.
// So a round but the first hands out the nearer half of what it knows, and leaves
// the rest to be merged with what the next round finds.
//
// Memory comes from the context that is current when it is made and when it is
// used; nobody else's is in it. It may be left at any time: it holds no lock and no pin
// between calls. Interrupts are answered within a millisecond or the reading of a page.
class Search {
 public:
  // `index`: opened after the snapshot was taken. `query`: dim floats, with its code; null if every
  // distance is NULL (or NaN), when any order will do. Both outlive the search, and so does
  // `visited`, which is its alone.
  Search(const HnswIndex& index, const void* query, const void* code, VisitedBits* visited,
         const SearchOptions& options);

  // The next row, valid until the next call; null when there is none. Raises what
  // reading an index raises, and what an interrupt raises.
  const TidRef* Next();

  // The rows that the next calls will return, when they are new: at most `max`. Else
  // none.
  int Upcoming(ItemPointerData* tids, int max) { return rows_.Upcoming(tids, max); }

  const HnswIndex& index() const { return index_; }

 private:
  bool IsStrict() const { return options_.further_rounds == FurtherRounds::kStrict; }
  bool NextRound();
  void Begin();
  bool ReadRound();
  bool WalkRound();
  bool MayWalkOn() const;
  void BeginWalk();
  bool HoldsStill();
  void WalkFirst(const Meta& meta);
  void WalkOn();
  void ContinueFromEntry();
  void StartAnew();
  void ReadFinalists();
  void ReadAllFinalists();
  void CollectFound();
  void CollectPending();
  bool Collect(ElementId id, const Walked* walked, float* distance);

  HnswIndex index_;
  MemoryContext context_;
  Arena arena_;
  const void* query_;
  const void* code_;
  SearchOptions options_;
  void* vector_;
  PageGraph graph_;
  Budget budget_;
  PageWalk walk_;
  PendingFront pending_;
  Finalists finalists_;
  FoundRows rows_;

  size_t round_ = 0;           // candidates of the current round; 0: not begun
  bool has_walked_ = false;    // the graph, once at least
  ElementId next_read_ = 0;    // without a query: the next element to be read
  bool exhausted_ = false;     // no further round
  PodVector<TidRef> tids_;     // of one element
  bool misses_rows_ = false;   // a pending element was gone when it was to be read
  uint32_t n_reroutings_ = 0;  // when the walk began
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_SEARCH_SEARCH_H_
