// One search of an index: rows in the order of their exact distance, one by one.
#ifndef HNSWPG_AM_SEARCH_H_
#define HNSWPG_AM_SEARCH_H_

#include "hnswpg/storage/page_graph.h"
#include "hnswpg/storage/pending.h"
#include "hnswpg/storage/slot_reader.h"

namespace hnswpg {

// Works in rounds. The first measures the pending elements and walks the graph, for
// the hnsw.ef_search nearest of both; each further round, when more rows are asked
// for, walks on from what was seen, for twice as many as the round before. A
// round's elements are read again under their pages' locks, measured exactly and
// sorted; then their rows are handed out.
//
// The first round's elements, the finalists, are read in the order of their codes'
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
// used. It may be left at any time: it holds no lock and no pin between calls.
class Search {
 public:
  // `index`: opened after the snapshot was taken. `query`: dim floats, with its code; null if every
  // distance is NULL (or NaN), when any order will do. Both outlive the search, and so does
  // `visited`, which is its alone. `skip_killed`: not in a transaction that began in recovery,
  // whose snapshot may need rows that were dead to everyone on the primary.
  Search(const Index& index, const float* query, const void* code, VisitedBits* visited,
         bool skip_killed);

  // The next row, valid until the next call; null when there is none. Raises what
  // reading an index raises.
  const TidRef* Next();

  // The rows that the next calls will return, when they are new: at most `max`. Else
  // none.
  int Upcoming(ItemPointerData* tids, int max);

  const Index& index() const { return index_; }

 private:
  struct Hit {
    float distance;
    TidRef ref;
  };
  static bool Nearer(const Hit& a, const Hit& b) { return a.distance < b.distance; }

  void Begin();
  bool NextRound();
  void WalkFirst(const Meta& meta);
  void WalkOn();
  void KeepRows();
  bool WalkRound();
  void ContinueFromEntry();
  bool ReadRound();
  void BeginWalk();
  void StartAnew();
  bool WasPending(ElementId id, uint32_t* version) const;
  void ReadAllFinalists();
  Meta MeasurePending();
  void MeasureRun(const PendingRun& run);
  void OfferPending();
  void SortPending(size_t n);
  bool TakeMorePending();
  void CollectPending();
  void TakeFinalists();
  void ReadFinalists();
  void CollectFound();
  void Collect(ElementId id, const Walked* walked);
  void SkipLate();

  Index index_;
  Arena arena_;
  const float* query_;
  const void* code_;
  bool skip_killed_;
  float* vector_;
  PageGraph graph_;
  PageWalk walk_;

  size_t round_ = 0;                // candidates of the current round; 0: not begun
  bool has_walked_ = false;         // the graph, once at least
  ElementId next_read_ = 0;         // without a query: the next element to be read
  bool exhausted_ = false;          // no further round
  float last_distance_;             // of the row handed out last
  PodVector<TidRef> tids_;          // of one element
  PodVector<Candidate> pending_;    // elements that were pending at the beginning
  size_t next_pending_ = 0;         //   not finalists yet from here on
  PodVector<PendingRun> runs_;      //   their ids,
  PodVector<uint32_t> versions_;    //   and their slots' versions, in the order of runs_
  bool misses_rows_ = false;        // one of them was gone when it was to be read
  uint32_t n_reroutings_ = 0;       // when the walk began
  bool keeps_rows_ = false;         // where a row may be met twice, as a pending element's
  FlatSet<uint64_t> rows_;          //   and as a linked one's: TIDs read so far
  PodVector<Candidate> finalists_;  // found by the first round, nearest by code first
  size_t next_finalist_ = 0;        //   not read yet from here on
  float horizon_ = 0;               // distance of the farthest of them
  float largest_error_ = 0;         // of a finalist's code's distance
  PodVector<Hit> hits_;             // rows of elements in the graph, found and not yet
  size_t next_hit_ = 0;             //   handed out from here on,
  size_t end_hit_ = 0;              //   to be handed out in this round up to here
  size_t told_hit_ = 0;             //   Upcoming has told of them up to here
};

}  // namespace hnswpg

#endif  // HNSWPG_AM_SEARCH_H_
