// The tree of parents, where no list has room for another child.
#ifndef HNSWPG_STORAGE_GRAPH_PARENT_TREE_H_
#define HNSWPG_STORAGE_GRAPH_PARENT_TREE_H_

#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// What SwapWithParent has done.
struct ParentSwap {
  ElementId parent;     // the element's parent now: its grandparent before, if any
  ElementId demoted;    // its parent before; kNoId if that is where it was
  ElementId displaced;  // the child whose parent is now `demoted`; kNoId if none
};

// Lets an element and its parent change places in the tree: the element takes the
// parent's place in the grandparent's list, or as the entry point, and the parent
// one in the element's, over a link to no child where there is one, else over a dead
// child, else over any child, which takes the element's old place in the parent's
// list. So no list needs room, and all is reachable before and after: one record of
// four pages at most.
//
// The graph lock is held; no page is locked at entry or exit. Raises
// ERRCODE_INDEX_CORRUPTED where lists and parents contradict each other.
ParentSwap SwapWithParent(const HnswIndex& index, ElementId id);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_GRAPH_PARENT_TREE_H_
