// A new graph for an index that keeps its identity.
#ifndef HNSWPG_AM_SQL_REBUILD_H_
#define HNSWPG_AM_SQL_REBUILD_H_

#include "hnswpg/postgres/server.h"

namespace hnswpg {

// Builds the graph of an hnsw index (not a partitioned one) anew from its table,
// with the options that the index has now, and puts it in the place of the old one.
// Until then others read through the old graph; they cannot write to the table.
// Everything is part of the current transaction.
//
// Locks, kept to its end: ShareRowExclusiveLock on the table; on the index
// RowExclusiveLock, and AccessExclusiveLock from the exchange on. The caller has
// seen to it that the user may do this. Indexed expressions are evaluated as the
// table's owner. Returns how many elements the new graph has.
int64 RebuildIndex(Oid index);

}  // namespace hnswpg

#endif  // HNSWPG_AM_SQL_REBUILD_H_
