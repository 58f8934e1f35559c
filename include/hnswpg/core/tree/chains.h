// Chains of parents: whether they end, and where.
//
// Every element of a graph but its entry point has a parent, whose level-0 list holds it, so
// the parents are a tree (src/storage/README.md). These functions look at what is known of
// parents in memory. They know of no list and no page, and need no memory of their own.
#ifndef HNSWPG_CORE_TREE_CHAINS_H_
#define HNSWPG_CORE_TREE_CHAINS_H_

#include <cstdint>

#include "hnswpg/core/limits.h"

namespace hnswpg {

// What is known of an element's chain of parents.
enum class Chain : uint8_t { kUnknown, kBeingFollowed, kEnds };

// Follows the parents of `id` until a chain that is known to end, or out of the graph.
// Returns kNoId; or, where the chain leads back into itself, an element of the circle.
// Called for each element, it looks at each of them twice at most.
//   bool in_graph(ElementId), ElementId parent(ElementId), Chain& chain(ElementId)
template <class InGraph, class Parent, class ChainOf>
ElementId FindCircle(ElementId id, InGraph in_graph, Parent parent, ChainOf chain) {
  ElementId at = id;
  for (; in_graph(at) && chain(at) == Chain::kUnknown; at = parent(at)) {
    chain(at) = Chain::kBeingFollowed;
  }
  if (in_graph(at) && chain(at) == Chain::kBeingFollowed) return at;
  for (at = id; in_graph(at) && chain(at) == Chain::kBeingFollowed; at = parent(at)) {
    chain(at) = Chain::kEnds;
  }
  return kNoId;
}

// Where the tree is in parts, because some parents are gone: the top of the part that `id`
// is in. `up(id)` is a step of the way there, and the element itself at the top; the
// steps get longer with each call (union-find by path halving: van Leeuwen and van der
// Weide, 1977). What is not below `end` has no step and is a top.
//   ElementId& up(ElementId)
template <class Up>
ElementId TopOfPart(ElementId id, ElementId end, Up up) {
  while (id < end && up(id) != id) {
    const ElementId next = up(id);
    if (next < end) up(id) = up(next);
    id = next;
  }
  return id;
}

}  // namespace hnswpg

#endif  // HNSWPG_CORE_TREE_CHAINS_H_
