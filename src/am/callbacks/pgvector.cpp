// What is said to those who have pgvector, or this extension under its other name. Of the SQL
// function only CREATE EXTENSION makes use, before it creates anything: the first object
// that it would not be able to create is the type, and the error about that says nothing of
// the reason.
#include "am/callbacks/pgvector.h"

#include "hnswpg/am/am.h"
#include "hnswpg/postgres/function.h"
#include "hnswpg/postgres/server.h"

extern "C" {
#include "commands/extension.h"
}

namespace hnswpg {
namespace {

// Under which name it is being created.
bool IsBeingCreatedAs(const char* name) {
  return creating_extension && CurrentExtensionObject == get_extension_oid(name, true);
}

[[noreturn]] void RaiseTwice(const char* present, const char* wanted) {
  ereport(ERROR,
          (errcode(ERRCODE_DUPLICATE_OBJECT),
           errmsg("extension \"%s\" is what the database has as \"%s\" already", wanted, present),
           errdetail("hnswpg can be created under the name \"vector\" too, and has the same "
                     "types, operators and access method then."),
           errhint("Go on with what is there.")));
  pg_unreachable();
}

}  // namespace

void CheckNoPgvector() {
  if (!OidIsValid(get_extension_oid("vector", true)) || DatabaseHasOurs()) return;
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

// The extension that is being created is in the catalogs already, and nothing of it but that.
void CheckAlone() {
  const bool as_vector = IsBeingCreatedAs("vector");
  if (DatabaseHasOurs()) {
    RaiseTwice(as_vector ? "hnswpg" : "vector", as_vector ? "vector" : "hnswpg");
  }
  if (!as_vector) CheckNoPgvector();
}

}  // namespace hnswpg

HNSWPG_FUNCTION(hnswpg_check_alone)(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  hnswpg::CheckAlone();
  PG_RETURN_VOID();
}
