// What the background processes ask the catalogs.
#ifndef HNSWPG_WORKER_CATALOG_H_
#define HNSWPG_WORKER_CATALOG_H_

#include "hnswpg/core/pod.h"
#include "hnswpg/storage/server.h"

namespace hnswpg {

// Both append to the list, and are called in a transaction.

// The hnsw indexes of this database that are not temporary. Another extension may
// have an access method of this name: whoever opens one looks at its functions.
void ListIndexes(PodVector<Oid>* indexes);

// The databases in which there may be such indexes.
void ListDatabases(PodVector<Oid>* databases);

}  // namespace hnswpg

#endif  // HNSWPG_WORKER_CATALOG_H_
