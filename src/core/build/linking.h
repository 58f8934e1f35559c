// Links elements into an hnswlib graph, by several threads at once: hnswlib 0.8's addPoint step by
// step, with a search, a choice of neighbours and locks of our own. HnswlibGraph owns both the
// graph and this.
//
// Where the heuristic leaves an element with fewer than m neighbours on level 0, the nearest of
// those that it has dropped make up the number, and the element is added to their lists where these
// have room: fillers, by which searches find as much with a smaller ef. (Algorithm 4 of Malkov and
// Yashunin, 2016, has them as keepPrunedConnections; hnswlib has not.) A filler only ever takes a
// place that is free, and gives it up to a link: while elements are linked, no link is lost for it,
// such as the few that lead to an outlier.
//
// Without fillers, one thread makes the same graph that addPoint makes, link for link, but for the
// order of equal distances: hnswlib's heuristic takes the greater node first, and so does
// everything here, while hnswlib's search leaves it to the states of its heaps. What is done
// otherwise, for the time it takes:
//   - The nearest found so far are one sorted array, which tells too whose list is read next,
//     instead of two heaps. (Dead nodes, which lead on and are not found, wait in a heap.)
//   - What a list leads to is fetched all at once and measured in a batch, without the lock.
//   - The set of visited nodes is a bitmap, undone node by node.
//   - Neighbours are chosen in batches, too.
//   - An element's lock is a byte of its level-0 list where hnswlib has a mutex of 40.
//
// Locking. Each list is guarded by its element's lock. A thread keeps the lock of the element x
// that it links from beginning to end, and takes those of others one at a time. That is no
// deadlock: a search reads the list of everything it returns that is new to it, so it has held the
// lock of each neighbour it chooses, which by then is linked. Only a search, then, can wait for an
// element y that is still being linked, and it does so on a level on which y's thread has done its
// search; whatever y's thread waits for is on a lower level, so waiting never goes round in a
// circle.
#ifndef HNSWPG_CORE_BUILD_LINKING_H_
#define HNSWPG_CORE_BUILD_LINKING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/build/hnswlib_index.h"
#include "hnswpg/core/space/code.h"

namespace hnswpg {

class NodeLinker;

class HnswlibLinking {
 public:
  // Both outlive it. `codes` is what the index measures with.
  HnswlibLinking(HnswlibIndex* index, const CodeSpace* codes, bool keep_pruned);
  ~HnswlibLinking();
  HnswlibLinking(const HnswlibLinking&) = delete;
  HnswlibLinking& operator=(const HnswlibLinking&) = delete;

  // Called by all threads. The node has its code and its level, empty lists, and nobody knows it
  // yet. Begins at the entry point, which it replaces if its level is higher. Raises
  // std::bad_alloc; the graph is of no use then.
  void Link(uint32_t node, int level);

  // Room for so many nodes. Nobody may be linking.
  void Resize(size_t capacity);

  // Frees what threads keep for their next element. Nobody may be linking.
  void FreeMemory();

  // What one thread keeps, in an index with room for `capacity` nodes.
  static size_t LinkerBytes(size_t capacity, int ef_construction);

 private:
  class Lease;

  uint8_t* n_fillers() { return keep_pruned_ ? n_fillers_.data() : nullptr; }

  HnswlibIndex& index_;
  const CodeSpace& codes_;
  const bool keep_pruned_;
  std::vector<uint8_t> n_fillers_;  // of each list of level 0, guarded by the element's lock
  std::mutex idle_lock_;
  std::vector<std::unique_ptr<NodeLinker>> idle_;
  size_t n_linkers_ = 0;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_LINKING_H_
