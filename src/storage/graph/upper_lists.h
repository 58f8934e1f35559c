// Giving an element its lists on the levels above 0.
#ifndef HNSWPG_STORAGE_GRAPH_UPPER_LISTS_H_
#define HNSWPG_STORAGE_GRAPH_UPPER_LISTS_H_

#include "hnswpg/storage/page/page_txn.h"

namespace hnswpg {

// Makes sure that element `id` has an (empty) list for each level from 1 to `level`,
// chained from its slot: those that exist stay. One record a list, which takes and
// chains it, so none is ever lost. The graph lock is held; no page is locked at
// entry and exit.
void AllocateUppers(const HnswIndex& index, WriteMode mode, ElementId id, int level);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_GRAPH_UPPER_LISTS_H_
