// Makes every element of a graph reachable from a root, and says by which links.
//
// A neighbour list has room for so many links, and whoever builds the graph drops
// links from full lists; so an element may end up in nobody's list. The class
// here finds a spanning tree whose edges are links of the graph, and adds a link where
// the graph has none. It knows the graph through EditableGraph alone.
//
// Invariants when it is done, for every element but the root:
//   - the parent of e has a link to e, and the parents lead from e to the root;
//   - no list has grown beyond max_links(), and no self link or second link to the
//     same element was added;
//   - a link that was removed was no edge of the tree.
// Between steps the lists keep to the last two.
// No locks, no threads.
#ifndef HNSWPG_CORE_BUILD_SPANNING_TREE_H_
#define HNSWPG_CORE_BUILD_SPANNING_TREE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/build/graph_view.h"

namespace hnswpg {

inline constexpr uint32_t kTreeRoot = 0xFFFFFFFF;  // parent of the root

// Breadth first from `root`; what that leaves out is attached element by element, each time
// followed by a breadth-first walk from the element attached. Time: linear in elements and links,
// plus a FindNear for each element attached that none of its own neighbours can take. Memory:
// the parents and as much again (8 bytes an element in all).
//
// The work is done in steps, so that whoever waits for it can do something else in between. A step
// looks at kTreeStepLists lists at most, and searches for the parent of one element at most, which
// looks at the lists of kMaxTreeWalk elements more and of those that were found.
class SpanningTree {
 public:
  // The graph, which nobody else changes, must outlive the object. `root` < size(). Raises
  // std::bad_alloc.
  SpanningTree(EditableGraph* graph, uint32_t root);

  // True when the tree is complete; from then on there is nothing to do. Raises std::bad_alloc and
  // what the graph raises; then the lists keep to the invariants above.
  bool Step();

  // The parents, by element; when Step has returned true.
  std::vector<uint32_t>& parents() { return parents_; }

 private:
  bool MakeRoom();
  bool Reached(uint32_t element) const;
  void Reach(uint32_t element, uint32_t parent);
  void Expand(uint32_t element);
  bool FindUnreached(size_t* lists);
  bool AttachNear(uint32_t element);
  bool AttachAnywhere(uint32_t element, size_t* lists);
  bool AttachToNeighbour(uint32_t element);
  bool AttachToFound(uint32_t element);
  bool AttachByWalk(uint32_t element);
  bool AttachToAnyOf(uint32_t element);
  bool TryParent(uint32_t parent, uint32_t element);
  size_t FarthestSpare(uint32_t parent) const;
  uint32_t NearestChild(uint32_t parent, uint32_t element) const;

  EditableGraph& graph_;
  const uint32_t root_;
  std::vector<uint32_t> parents_;
  std::vector<uint32_t> order_;  // reached elements; those before expanded_ have been followed
  size_t expanded_ = 0;
  size_t cursor_ = 0;          // elements of order_ before it have no room
  uint32_t next_ = 0;          // elements before it are reached
  bool nothing_near_ = false;  // has room for next_
  std::vector<uint32_t> candidates_;
};

inline constexpr size_t kTreeStepLists = 2048;

// How far to walk down from a neighbour that has no room before giving up on staying near.
inline constexpr int kMaxTreeWalk = 32;

// What SpanningTree allocates for `n` elements.
constexpr size_t SpanningTreeBytes(size_t n) { return 2 * n * sizeof(uint32_t); }

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_SPANNING_TREE_H_
