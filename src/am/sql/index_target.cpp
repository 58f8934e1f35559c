#include "am/sql/index_target.h"

#include "hnswpg/am/am.h"

extern "C" {
#include "access/amapi.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "lib/stringinfo.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
}

namespace hnswpg {
namespace {

bool IsHnsw(Oid index) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
  if (!HeapTupleIsValid(tuple)) return false;
  const Oid method = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relam;
  ReleaseSysCache(tuple);
  return GetIndexAmRoutineByAmId(method, false)->ambuild == hnswbuild;
}

[[noreturn]] void RaiseMissing(Oid index) {
  ereport(ERROR,
          (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("index with OID %u does not exist", index)));
  pg_unreachable();
}

[[noreturn]] void RaiseWrongKind(const char* name, const char* expected) {
  ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not %s", name, expected)));
  pg_unreachable();
}

// The hnsw indexes of a table, or of a partitioned one, as text; null if it has none.
char* IndexesOf(Oid table) {
  StringInfoData names;
  initStringInfo(&names);
  Relation rel = try_table_open(table, AccessShareLock);
  if (rel == nullptr) return nullptr;
  ListCell* cell;
  foreach (cell, RelationGetIndexList(rel)) {
    if (!IsHnsw(lfirst_oid(cell))) continue;
    if (names.len > 0) appendStringInfoString(&names, ", ");
    appendStringInfoString(&names, DatumGetCString(DirectFunctionCall1(
                                       regclassout, ObjectIdGetDatum(lfirst_oid(cell)))));
  }
  table_close(rel, AccessShareLock);
  return names.len > 0 ? names.data : nullptr;
}

[[noreturn]] void RaiseNoIndex(Oid relation, const char* name, char relkind) {
  const bool has_indexes = relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE ||
                           relkind == RELKIND_MATVIEW;
  const char* indexes = has_indexes ? IndexesOf(relation) : nullptr;
  ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not an index", name),
                  indexes       ? errhint("Its hnsw indexes: %s.", indexes)
                  : has_indexes ? errhint("It has no hnsw index.")
                                : 0));
  pg_unreachable();
}

bool HasContents(Relation index) { return !RecoveryInProgress() || RelationIsPermanent(index); }

bool CanBeRead(Relation index) {
  return !RELATION_IS_OTHER_TEMP(index) && index->rd_index->indisvalid && HasContents(index);
}

void CheckCanBeRead(Relation index, const char* verb) {
  const char* name = RelationGetRelationName(index);
  if (RELATION_IS_OTHER_TEMP(index)) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot %s index \"%s\": it is a temporary index of another session",
                           verb, name)));
  }
  if (!index->rd_index->indisvalid) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot %s index \"%s\": it is not valid", verb, name),
                    errhint("REINDEX or DROP it: what built it did not finish.")));
  }
  if (!HasContents(index)) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot %s unlogged index \"%s\" during recovery", verb, name)));
  }
}

// The table is locked first, as everywhere. Nulls if either of them is gone.
IndexTarget LockTarget(Oid index, const TargetUse& use) {
  IndexTarget target;
  const Oid table = IndexGetRelation(index, true);
  if (!OidIsValid(table)) return target;
  target.table = try_table_open(table, use.table_lock);
  if (target.table == nullptr) return target;
  // Not if the OID has become another index's meanwhile.
  if (IndexGetRelation(index, true) == table) {
    target.index = try_relation_open(index, use.index_lock);
  }
  if (target.index == nullptr) table_close(target.table, use.table_lock);
  return target;
}

}  // namespace

void CheckIsHnsw(Oid index) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
  if (!HeapTupleIsValid(tuple)) RaiseMissing(index);
  const Form_pg_class form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
  const char* name = NameStr(form->relname);
  if (form->relkind != RELKIND_INDEX && form->relkind != RELKIND_PARTITIONED_INDEX) {
    RaiseNoIndex(index, name, form->relkind);
  }
  if (!IsHnsw(index)) RaiseWrongKind(name, "an hnsw index");
  ReleaseSysCache(tuple);
}

void CheckMayMaintain(Oid index) {
  const Oid table = IndexGetRelation(index, true);
  if (!OidIsValid(table)) RaiseMissing(index);
  const AclResult result = compat::MaintainCheck(table, GetUserId());
  if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_INDEX, get_rel_name(index));
}

List* LeafIndexes(Oid index) {
  if (get_rel_relkind(index) != RELKIND_PARTITIONED_INDEX) return list_make1_oid(index);
  const TargetUse look = {"read", AccessShareLock, AccessShareLock};
  const IndexTarget target = LockTarget(index, look);
  if (target.index == nullptr) RaiseMissing(index);
  List* leaves = NIL;
  ListCell* cell;
  foreach (cell, find_all_inheritors(index, NoLock, nullptr)) {
    if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_INDEX) {
      leaves = lappend_oid(leaves, lfirst_oid(cell));
    }
  }
  relation_close(target.index, NoLock);
  table_close(target.table, NoLock);
  return leaves;
}

IndexTarget OpenTarget(Oid index, const TargetUse& use) {
  IndexTarget target = LockTarget(index, use);
  if (target.index == nullptr && !use.skips) RaiseMissing(index);
  if (target.index == nullptr) return target;
  if (target.index->rd_rel->relkind != RELKIND_INDEX ||
      target.index->rd_indam->ambuild != hnswbuild) {
    RaiseWrongKind(RelationGetRelationName(target.index), "an hnsw index");
  }
  if (!use.skips) {
    CheckCanBeRead(target.index, use.verb);
  } else if (!CanBeRead(target.index)) {
    CloseTarget(target, use);
    target.index = nullptr;
  }
  return target;
}

void CloseTarget(const IndexTarget& target, const TargetUse& use) {
  relation_close(target.index, use.index_lock);
  table_close(target.table, use.table_lock);
}

}  // namespace hnswpg
