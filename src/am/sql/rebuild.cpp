// The new graph is built in the file of another index: a copy of the definition,
// which nobody else ever sees. Then the two indexes exchange their files, and the
// copy is dropped, the old file with it.
//
// Why reads may go on: the old index stays valid and complete while the table is
// locked against writes. Why the new file may take its place: it was built as
// REINDEX builds, from every row version that a snapshot may still see.
//
// Killed or rolled back at any moment: the catalogs keep the old file, and the new
// one goes the way of every file that its transaction has not committed.
#include "am/sql/rebuild.h"

#include "am/sql/index_target.h"
#include "hnswpg/storage/page/index.h"

extern "C" {
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "storage/predicate.h"
#include "utils/backend_progress.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/syscache.h"
}

#include <utility>

namespace hnswpg {
namespace {

// Two rebuilds of indexes of one table exclude one another.
constexpr TargetUse kRebuild = {"rebuild", ShareRowExclusiveLock, RowExclusiveLock};

struct NewGraph {
  Oid index;  // the copy, which has it
  int64 elements;
  bool may_have_broken_chains;
};

// As for REINDEX, so that pg_stat_progress_create_index shows it.
void BeginProgress(Oid table, Oid index) {
  pgstat_progress_start_command(PROGRESS_COMMAND_CREATE_INDEX, table);
  pgstat_progress_update_param(PROGRESS_CREATEIDX_COMMAND, PROGRESS_CREATEIDX_COMMAND_REINDEX);
  pgstat_progress_update_param(PROGRESS_CREATEIDX_INDEX_OID, index);
}

Oid CopyDefinition(const IndexTarget& target) {
  const char* name = ChooseRelationName(RelationGetRelationName(target.index), nullptr, "rebuild",
                                        RelationGetNamespace(target.table), false);
  // Despite its name it does nothing concurrently: it builds nothing, and leaves an
  // index that is not valid.
  return index_concurrently_create_copy(target.table, RelationGetRelid(target.index),
                                        target.index->rd_rel->reltablespace, name);
}

NewGraph BuildCopy(const IndexTarget& target) {
  NewGraph graph;
  graph.index = CopyDefinition(target);
  Relation copy = index_open(graph.index, AccessExclusiveLock);
  IndexInfo* info = BuildIndexInfo(copy);
  index_build(target.table, copy, info, true, false);
  graph.may_have_broken_chains = info->ii_BrokenHotChain;
  graph.elements = OpenIndex(copy).meta.n_linked;
  index_close(copy, NoLock);
  return graph;
}

HeapTuple CopyOfClassRow(Oid relation) {
  HeapTuple tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relation));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for relation %u", relation);
  return tuple;
}

// What pg_class says about the files. Both indexes are permanent, or neither is.
void ExchangeClassRows(Oid index, Oid copy) {
  Relation catalog = table_open(RelationRelationId, RowExclusiveLock);
  HeapTuple tuples[2] = {CopyOfClassRow(index), CopyOfClassRow(copy)};
  const Form_pg_class a = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuples[0]));
  const Form_pg_class b = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuples[1]));
  std::swap(a->relfilenode, b->relfilenode);
  std::swap(a->reltablespace, b->reltablespace);
  std::swap(a->relpages, b->relpages);
  std::swap(a->reltuples, b->reltuples);
  for (HeapTuple tuple : tuples) CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
  table_close(catalog, RowExclusiveLock);
}

// AccessExclusiveLock on both. The relation cache has to know that the index has a
// file which this transaction made: it may go without WAL (wal_level = minimal),
// and vanishes if the transaction aborts.
void ExchangeFiles(Oid index, Oid copy) {
  ExchangeClassRows(index, copy);
  Relation rel = index_open(index, NoLock);
  Relation copy_rel = index_open(copy, NoLock);
  compat::CopyFileHistory(rel, copy_rel);
  compat::AssumeNewFile(rel);
  // Between the two invalidations that follow both entries mean the same file,
  // which can belong to one of them only.
  RelationCloseSmgr(rel);
  RelationCloseSmgr(copy_rel);
  index_close(copy_rel, NoLock);
  index_close(rel, NoLock);
  CommandCounterIncrement();
}

// An index that was built over broken HOT chains is not for older snapshots. A
// build that met none lifts that, as REINDEX does.
void LiftXminLimit(Relation table, Oid index) {
  Relation catalog = table_open(IndexRelationId, RowExclusiveLock);
  HeapTuple tuple = SearchSysCacheCopy1(INDEXRELID, ObjectIdGetDatum(index));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for index %u", index);
  const Form_pg_index form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
  if (form->indcheckxmin) {
    form->indcheckxmin = false;
    CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
    CacheInvalidateRelcache(table);
    CommandCounterIncrement();
  }
  table_close(catalog, RowExclusiveLock);
}

// A temporary table may not be locked in the weaker mode that spares readers of
// the table; it has no others.
void DropCopy(Relation table, Oid copy) {
  const ObjectAddress address = {RelationRelationId, copy, 0};
  const bool temporary = table->rd_rel->relpersistence == RELPERSISTENCE_TEMP;
  performDeletion(&address, DROP_RESTRICT,
                  PERFORM_DELETION_INTERNAL | (temporary ? 0 : PERFORM_DELETION_CONCURRENT_LOCK));
}

int64 RebuildAsOwner(IndexTarget target) {
  const Oid index = RelationGetRelid(target.index);
  const NewGraph graph = BuildCopy(target);
  LockRelationOid(index, AccessExclusiveLock);
  // Indexed expressions may have run anything.
  CheckTableNotInUse(target.index, "rebuild");
  TransferPredicateLocksToHeapRelation(target.index);
  index_close(target.index, NoLock);
  ExchangeFiles(index, graph.index);
  if (!graph.may_have_broken_chains && !compat::PrunesEarly(target.table)) {
    LiftXminLimit(target.table, index);
  }
  DropCopy(target.table, graph.index);
  table_close(target.table, NoLock);
  return graph.elements;
}

}  // namespace

int64 RebuildIndex(Oid index) {
  const IndexTarget target = OpenTarget(index, kRebuild);
  CheckTableNotInUse(target.index, "rebuild");
  BeginProgress(RelationGetRelid(target.table), index);
  Oid user;
  int security;
  GetUserIdAndSecContext(&user, &security);
  SetUserIdAndSecContext(target.table->rd_rel->relowner, security | SECURITY_RESTRICTED_OPERATION);
  const int nest_level = NewGUCNestLevel();
  compat::RestrictSearchPath();
  const int64 elements = RebuildAsOwner(target);
  AtEOXact_GUC(false, nest_level);
  SetUserIdAndSecContext(user, security);
  pgstat_progress_end_command();
  return elements;
}

}  // namespace hnswpg
