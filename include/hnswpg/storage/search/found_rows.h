// The rows of the elements that a search has read: each once, in the order of their exact
// distances, handed out as far as the search lets them.
#ifndef HNSWPG_STORAGE_SEARCH_FOUND_ROWS_H_
#define HNSWPG_STORAGE_SEARCH_FOUND_ROWS_H_

#include "hnswpg/core/memory/arena.h"
#include "hnswpg/core/memory/flat_set.h"
#include "hnswpg/core/memory/pod_vector.h"
#include "hnswpg/storage/graph/slot_reader.h"

namespace hnswpg {

// Rows wait in one array: handed out up to next_, let out up to end_, held back behind it.
// Memory from the arena it is made with. No locks.
class FoundRows {
 public:
  FoundRows(Arena arena, Pause pause) : rows_(arena), known_(arena, pause) {}

  // Whether a row may be met twice, as a pending element's and as a linked one's: from now on
  // rows that were added are remembered, those that are here too, and not added again.
  void KeepEachOnce();

  void Add(float distance, const TidRef& ref);

  // Forgets what was handed out, so that more can be added.
  void DropHandedOut();
  // Puts what has not been handed out in order, and holds all of it back.
  void Sort();
  // Lets out what is there: all, what is nearer than or as near as `distance`, or the nearer
  // half. Sorted before.
  void LetOutAll() { end_ = rows_.size(); }
  void LetOutUpTo(float distance);
  void LetOutHalf() { end_ = next_ + (rows_.size() - next_ + 1) / 2; }
  void HoldBack() { end_ = next_; }

  // Not handed out yet, let out or not.
  size_t waiting() const { return rows_.size() - next_; }
  bool any_out() const { return next_ < end_; }
  // Passes by those that are let out and nearer than one that was handed out.
  void SkipLate();
  // The next that is let out; there is one. Valid until rows are added.
  const TidRef* Next();
  // The rows that Next will return, when they have not been told before: at most `max`.
  int Upcoming(ItemPointerData* tids, int max);

 private:
  struct Row {
    float distance;
    TidRef ref;
  };
  static bool Nearer(const Row& a, const Row& b) { return a.distance < b.distance; }

  PodVector<Row> rows_;
  size_t next_ = 0;
  size_t end_ = 0;
  size_t told_ = 0;  // Upcoming has told of them up to here
  float last_distance_ = -std::numeric_limits<float>::infinity();  // of the one handed out last
  bool keeps_each_once_ = false;
  FlatSet<uint64_t> known_;  // rows added so far, if so
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_SEARCH_FOUND_ROWS_H_
