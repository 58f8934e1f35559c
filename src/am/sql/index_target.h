// The index that an SQL function is called for: found, locked and opened together
// with its table, if it is one of ours and can be read.
#ifndef HNSWPG_AM_SQL_INDEX_TARGET_H_
#define HNSWPG_AM_SQL_INDEX_TARGET_H_

#include "hnswpg/postgres/server.h"

extern "C" {
#include "nodes/pg_list.h"
}

namespace hnswpg {

// What is to be done with an index.
struct TargetUse {
  const char* verb;  // the word for it in "cannot ... index"
  LOCKMODE table_lock;
  LOCKMODE index_lock;
  // Whether an index that is gone, or that nobody can read just now, is passed over
  // instead of being an error.
  bool skips = false;
};

struct IndexTarget {
  Relation table = nullptr;
  Relation index = nullptr;  // null: passed over; nothing is open or locked
};

// Raises unless the relation is an hnsw index, or a partitioned one.
void CheckIsHnsw(Oid index);

// Raises unless the current user may maintain the index's table: the privilege
// MAINTAIN, or ownership where the server does not have it.
void CheckMayMaintain(Oid index);

// The indexes that hold elements: of a partitioned index those of its partitions,
// else the index itself. Locks a partitioned index and its table in AccessShareLock,
// until the end of the transaction.
List* LeafIndexes(Oid index);

// Locks and opens the table, then the index, which is not a partitioned one.
// Raises for an index that does not exist, is not an hnsw index, belongs to
// another session, is not valid, or has no contents on this server.
IndexTarget OpenTarget(Oid index, const TargetUse& use);

// Closes both and gives the locks back.
void CloseTarget(const IndexTarget& target, const TargetUse& use);

}  // namespace hnswpg

#endif  // HNSWPG_AM_SQL_INDEX_TARGET_H_
