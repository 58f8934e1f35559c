// Writing back the lists of a graph in memory. Private to bulk_*.cpp.
#ifndef HNSWPG_STORAGE_LINK_BULK_WRITER_H_
#define HNSWPG_STORAGE_LINK_BULK_WRITER_H_

#include "hnswpg/storage/page/locks.h"
#include "storage/link/bulk_graph.h"

namespace hnswpg {

// Writes the lists of the new elements, then those of the others that differ. The
// tree of parents stays as it was: a list keeps its owner's children. The graph lock
// is held, and yielded by `turn` between records. False if `turn` said to end; what
// is written may stay so.
bool WriteLists(const HnswIndex& index, const BulkGraph& graph, GraphTurn* turn);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_LINK_BULK_WRITER_H_
