// What the background processes ask the catalogs.
#ifndef HNSWPG_WORKER_CATALOG_H_
#define HNSWPG_WORKER_CATALOG_H_

#include "hnswpg/core/memory/pod_vector.h"
#include "hnswpg/postgres/server.h"

namespace hnswpg {

// Both append to the list, and are called in a transaction.

// The indexes of this database that have our access method and are not temporary.
// Another extension may have one of the same name: ours is the one whose handler is in
// our library. No index is opened, and so no other library is loaded.
void ListIndexes(PodVector<Oid>* indexes);

// The databases in which there may be such indexes.
void ListDatabases(PodVector<Oid>* databases);

}  // namespace hnswpg

#endif  // HNSWPG_WORKER_CATALOG_H_
