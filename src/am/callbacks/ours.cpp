// Which access methods of the database are this module's: under either of its names, and not
// those of another library that are called the same. Takes the locks of catalog lookups.
#include "hnswpg/am/am.h"
#include "hnswpg/signal/worker_registry.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_am.h"
#include "catalog/pg_proc.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
}

namespace hnswpg {
namespace {

// Whether an attribute of a function is this text.
bool HasText(HeapTuple function, AttrNumber attribute, const char* wanted) {
  bool null;
  const Datum value = SysCacheGetAttr(PROCOID, function, attribute, &null);
  return !null && strcmp(TextDatumGetCString(value), wanted) == 0;
}

}  // namespace

bool IsOurHandler(Oid handler) {
  HeapTuple function = SearchSysCache1(PROCOID, ObjectIdGetDatum(handler));
  if (!HeapTupleIsValid(function)) return false;
  const bool ours = (HasText(function, Anum_pg_proc_prosrc, "hnswhandler") ||
                     HasText(function, Anum_pg_proc_prosrc, "ivfflathandler")) &&
                    HasText(function, Anum_pg_proc_probin, kLibrary);
  ReleaseSysCache(function);
  return ours;
}

bool DatabaseHasOurs() {
  HeapTuple method = SearchSysCache1(AMNAME, CStringGetDatum("hnsw"));
  if (!HeapTupleIsValid(method)) return false;
  const Oid handler = reinterpret_cast<Form_pg_am>(GETSTRUCT(method))->amhandler;
  ReleaseSysCache(method);
  return IsOurHandler(handler);
}

}  // namespace hnswpg
