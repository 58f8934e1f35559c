// Makes every element of a graph reachable from a root, and says by which links.
//
// A neighbour list has room for so many links, and whoever builds the graph drops
// links from full lists; so an element may end up in nobody's list. The functions
// here find a spanning tree whose edges are links of the graph, and add a link where
// the graph has none. They know the graph through LinkGraph alone.
//
// Invariants on return (kDone), for every element but the root:
//   - Parent(e) has a link to e, and the parents lead from e to the root;
//   - no list has grown beyond max_links(), and no self link or second link to the
//     same element was added;
//   - a link that was removed was no edge of the tree.
// No locks, no threads.
#ifndef HNSWPG_CORE_SPANNING_TREE_H_
#define HNSWPG_CORE_SPANNING_TREE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hnswpg {

// A directed graph over the elements 0 .. size() - 1 that all carry a vector. The lists hold no
// self link, no link twice and no element beyond size().
class LinkGraph {
 public:
  virtual ~LinkGraph() = default;

  virtual uint32_t size() const = 0;
  virtual size_t max_links() const = 0;  // of one element; at least 1
  // Valid until the next change of this element's list.
  virtual std::span<const uint32_t> Links(uint32_t element) const = 0;
  // Only while the list is shorter than max_links().
  virtual void AddLink(uint32_t element, uint32_t to) = 0;
  virtual void ReplaceLink(uint32_t element, size_t index, uint32_t to) = 0;
  virtual float Distance(uint32_t a, uint32_t b) const = 0;

  // Append elements near `target` to `out`, nearest first: by whatever means, and by following
  // links from `start` alone. Hints: finding nothing is allowed.
  virtual void FindNear(uint32_t target, std::vector<uint32_t>* out) = 0;
  virtual void FindNearFrom(uint32_t start, uint32_t target, std::vector<uint32_t>* out) = 0;
};

enum class TreeStatus { kDone, kCancelled };

inline constexpr uint32_t kTreeRoot = 0xFFFFFFFF;  // parent of the root

// Breadth first from `root`; what that leaves out is attached element by element, each time
// followed by a breadth-first walk from the element attached. Time: linear in elements and links,
// plus a FindNear for each element attached that none of its own neighbours can take. Memory:
// `parents` and as much again (8 bytes an element in all).
//
// `parents` is resized to size(). `cancelled` (may be null) is asked before each element that must
// be attached and every few hundred others; after kCancelled the lists keep to the invariants
// above, `parents` means nothing. Raises std::bad_alloc and what the graph raises.
TreeStatus BuildSpanningTree(LinkGraph* graph, uint32_t root, bool (*cancelled)(void*), void* arg,
                             std::vector<uint32_t>* parents);

// What BuildSpanningTree allocates for `n` elements.
constexpr size_t SpanningTreeBytes(size_t n) { return 2 * n * sizeof(uint32_t); }

}  // namespace hnswpg

#endif  // HNSWPG_CORE_SPANNING_TREE_H_
