// What is said to those who have pgvector. Of the SQL function only CREATE EXTENSION
// makes use, before it creates anything: the first object that it would not be able to
// create is the type, and the error about that says nothing of the reason.
#include "am/callbacks/pgvector.h"

#include "hnswpg/postgres/function.h"
#include "hnswpg/postgres/server.h"

extern "C" {
#include "commands/extension.h"
}

namespace hnswpg {

void CheckNoPgvector() {
  if (!OidIsValid(get_extension_oid("vector", true))) return;
  ereport(ERROR,
          (errcode(ERRCODE_DUPLICATE_OBJECT),
           errmsg("hnswpg cannot be used in a database that has pgvector"),
           errdetail("Both have a type \"vector\" and an access method \"hnsw\"."),
           errhint("Use it in another database. Or let it take pgvector's place: turn the vector "
                   "columns into real[], drop the extension \"vector\", and, in a new session, "
                   "create hnswpg and turn the columns back.")));
}

void RaiseBesidePgvector(const char* setting) {
  ereport(ERROR,
          (errcode(ERRCODE_DUPLICATE_OBJECT),
           errmsg("hnswpg cannot be used in a process that has loaded pgvector"),
           errdetail("Another library has defined the setting \"%s\" in this process.", setting),
           errhint("Begin a new session. If that does not help, take pgvector's library out of "
                   "shared_preload_libraries, session_preload_libraries and "
                   "local_preload_libraries.")));
  pg_unreachable();
}

}  // namespace hnswpg

HNSWPG_FUNCTION(hnswpg_check_no_pgvector)(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  hnswpg::CheckNoPgvector();
  PG_RETURN_VOID();
}
