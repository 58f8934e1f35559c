// Scans of catalogs that have no index to serve them.
#include "worker/catalog.h"

#include "hnswpg/am/am.h"
#include "hnswpg/storage/page/index.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"
}

namespace hnswpg {
namespace {

// pg_database.datconnlimit of a database that was dropped only in part.
constexpr int kInvalidDatabase = -2;

// Calls `append` for each tuple of the catalog.
void ScanCatalog(Oid catalog, int n_keys, ScanKey keys, PodVector<Oid>* list,
                 void (*append)(HeapTuple tuple, PodVector<Oid>* list)) {
  Relation rel = table_open(catalog, AccessShareLock);
  SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, nullptr, n_keys, keys);
  for (HeapTuple tuple = systable_getnext(scan); HeapTupleIsValid(tuple);
       tuple = systable_getnext(scan)) {
    append(tuple, list);
  }
  systable_endscan(scan);
  table_close(rel, AccessShareLock);
}

void AppendMethod(HeapTuple tuple, PodVector<Oid>* list) {
  const Form_pg_am form = reinterpret_cast<Form_pg_am>(GETSTRUCT(tuple));
  if (form->amtype == AMTYPE_INDEX && IsOurHandler(form->amhandler)) list->Push(form->oid);
}

void AppendIndex(HeapTuple tuple, PodVector<Oid>* list) {
  const Form_pg_class form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
  if (form->relkind == RELKIND_INDEX && form->relpersistence != RELPERSISTENCE_TEMP) {
    list->Push(form->oid);
  }
}

void AppendDatabase(HeapTuple tuple, PodVector<Oid>* list) {
  const Form_pg_database form = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
  if (form->datallowconn && !form->datistemplate && form->datconnlimit != kInvalidDatabase) {
    list->Push(form->oid);
  }
}

}  // namespace

void ListIndexes(PodVector<Oid>* indexes) {
  PodVector<Oid> methods(ContextArena(CurrentMemoryContext));
  ScanCatalog(AccessMethodRelationId, 0, nullptr, &methods, AppendMethod);
  for (Oid method : methods) {
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_class_relam, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(method));
    ScanCatalog(RelationRelationId, 1, &key, indexes, AppendIndex);
  }
}

void ListDatabases(PodVector<Oid>* databases) {
  ScanCatalog(DatabaseRelationId, 0, nullptr, databases, AppendDatabase);
}

}  // namespace hnswpg
