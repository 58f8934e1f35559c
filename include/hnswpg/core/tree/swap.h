// How an element and its parent change places in the tree of parents.
//
// The element takes the parent's place in the grandparent's list, or as the entry point;
// the parent takes one in the element's list. No list gets longer than it may be, and every
// element is below the root before and after. Whoever applies the plan does it at
// once, in one record.
#ifndef HNSWPG_CORE_TREE_SWAP_H_
#define HNSWPG_CORE_TREE_SWAP_H_

#include <algorithm>

#include "hnswpg/core/limits.h"

namespace hnswpg {

// What is to be done with an element, its parent and its grandparent (kNoId: the parent is
// the root).
struct SwapPlan {
  // The grandparent links to the element already, so it becomes the parent and nobody has to
  // give way. Nothing else of the plan counts.
  bool moves_up = false;
  // How the element comes to link to its former parent: it does already (neither), has room
  // for one more link, or puts it in the place of the link to `over`.
  bool add = false;
  ElementId over = kNoId;
  // `over` is a child of the element. It goes under the former parent, in the element's place.
  ElementId displaced = kNoId;
};

// The element that is to change places.
struct SwapView {
  ElementId id;
  ElementId parent;
  const ElementId* links;
  int n_links;
  int capacity;
  bool linked_by_grandparent;
};

// What has to be known of its neighbours.
struct SwapNeighbour {
  ElementId parent;
  bool dead;
};

// Neighbours that are not children give way first, then dead children, then any.
//   SwapNeighbour look(ElementId)
template <class Look>
SwapPlan PlanSwap(const SwapView& view, Look look) {
  SwapPlan plan;
  plan.moves_up = view.linked_by_grandparent;
  const ElementId* end = view.links + view.n_links;
  if (plan.moves_up || std::find(view.links, end, view.parent) != end) return plan;
  plan.add = view.n_links < view.capacity;
  if (plan.add) return plan;
  for (const ElementId* link = view.links; link < end; link++) {
    const SwapNeighbour neighbour = look(*link);
    if (neighbour.parent != view.id) {
      plan.over = *link;
      plan.displaced = kNoId;
      return plan;
    }
    if (plan.over == kNoId || neighbour.dead) plan.over = plan.displaced = *link;
  }
  return plan;
}

}  // namespace hnswpg

#endif  // HNSWPG_CORE_TREE_SWAP_H_
