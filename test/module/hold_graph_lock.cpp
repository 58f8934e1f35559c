// A module of the tests: takes the graph lock of an index for as long as the session says,
// as no command does. Knows of it what src/storage/README.md says, that it is a lock on the
// index as an object, its part number 1.
//
//   CREATE FUNCTION hold_graph_lock(regclass) RETURNS void LANGUAGE C AS 'hnswpg_test';
//   CREATE FUNCTION release_graph_lock(regclass) RETURNS void LANGUAGE C AS 'hnswpg_test';
#include "hnswpg/postgres/server.h"

extern "C" {
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(hold_graph_lock);
PG_FUNCTION_INFO_V1(release_graph_lock);
}

namespace {

LOCKTAG GraphLockOf(Oid index) {
  LOCKTAG tag;
  SET_LOCKTAG_OBJECT(tag, MyDatabaseId, RelationRelationId, index, 1);
  return tag;
}

}  // namespace

Datum hold_graph_lock(PG_FUNCTION_ARGS) {
  const LOCKTAG tag = GraphLockOf(PG_GETARG_OID(0));
  LockAcquire(&tag, ExclusiveLock, true, false);
  PG_RETURN_VOID();
}

Datum release_graph_lock(PG_FUNCTION_ARGS) {
  const LOCKTAG tag = GraphLockOf(PG_GETARG_OID(0));
  if (!LockRelease(&tag, ExclusiveLock, true))
    elog(ERROR, "this session does not hold the graph lock");
  PG_RETURN_VOID();
}
