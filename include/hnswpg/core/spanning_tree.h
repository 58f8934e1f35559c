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
#include <vector>

#include "hnswpg/core/link_graph.h"

namespace hnswpg {

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
