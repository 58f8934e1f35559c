// hnsw_check(index [, heapcheck]): every violated invariant as a row.
//
// Locks: the table and the index in AccessShareLock, as amcheck's functions; and
// the graph lock from beginning to end, so that links, states and TIDs hold still
// (insertions and VACUUM of this index wait; searches do not).
//
// A standby has no writers to lock out, only WAL being replayed. There the index
// is read as it is; what is found counts only if no page of the index was changed
// meanwhile, else the examination is repeated.
#include "hnswpg/am/am.h"
#include "hnswpg/am/check_heap.h"
#include "hnswpg/storage/check.h"
#include "hnswpg/type/function.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "catalog/index.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"
}

namespace hnswpg {
namespace {

// On a standby: how often an examination that was overtaken by replay is repeated.
constexpr int kMaxAttempts = 10;

struct Output {
  ReturnSetInfo* result;
  int64 rows;
};

void AddRow(void* arg, BlockNumber block, ElementId element, const char* what) {
  Output* output = static_cast<Output*>(arg);
  Datum values[3] = {Int64GetDatum(block), Int64GetDatum(element), CStringGetTextDatum(what)};
  bool nulls[3] = {false, element == kNoId, false};
  tuplestore_putvalues(output->result->setResult, output->result->setDesc, values, nulls);
  pfree(DatumGetPointer(values[2]));
  output->rows++;
}

struct Opened {
  Relation heap;
  Relation index;
};

void CheckIsOurs(Relation index) {
  const char* name = RelationGetRelationName(index);
  if (index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX) {
    ereport(
        ERROR,
        (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("cannot check partitioned index \"%s\"", name),
         errdetail("Each of its partitions is an index of its own."),
         errhint("SELECT relid, c.* FROM pg_partition_tree(%s) AS t, hnsw_check(t.relid) "
                 "AS c WHERE t.isleaf;",
                 quote_literal_cstr(quote_qualified_identifier(
                     get_namespace_name(RelationGetNamespace(index)), name)))));
  }
  if (index->rd_indam->ambuild != hnswbuild) {
    ereport(ERROR,
            (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not an hnsw index", name)));
  }
}

void CheckCanBeRead(Relation index) {
  const char* name = RelationGetRelationName(index);
  if (RELATION_IS_OTHER_TEMP(index)) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot check index \"%s\": it is a temporary index of another session",
                           name)));
  }
  if (!index->rd_index->indisvalid) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot check index \"%s\": it is not valid", name),
                    errhint("REINDEX or DROP it: what built it did not finish.")));
  }
  if (RecoveryInProgress() && !RelationIsPermanent(index)) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot check unlogged index \"%s\" during recovery", name)));
  }
}

// The table is locked first, as everywhere.
Opened Open(Oid index_oid) {
  const Oid heap_oid = IndexGetRelation(index_oid, true);
  Opened opened = {nullptr, nullptr};
  if (OidIsValid(heap_oid)) opened.heap = table_open(heap_oid, AccessShareLock);
  opened.index = index_open(index_oid, AccessShareLock);
  CheckIsOurs(opened.index);
  if (opened.heap == nullptr || heap_oid != IndexGetRelation(index_oid, false)) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("could not open the table of index \"%s\"",
                                                      RelationGetRelationName(opened.index))));
  }
  CheckCanBeRead(opened.index);
  return opened;
}

Examination* Examine(const Opened& opened, bool heapcheck, Output* output) {
  HeapCheck* heap_check = heapcheck ? BeginHeapCheck(opened.index) : nullptr;
  Examination* examination = ExamineIndex(opened.index, {AddRow, output});
  if (examination != nullptr) {
    if (IsHeap(opened.heap)) ExamineHeapLines(examination, opened.heap);
    if (heap_check) CheckHeapRows(heap_check, opened.heap, opened.index, examination);
  }
  if (heap_check) EndHeapCheck(heap_check);
  return examination;
}

void ExamineOnPrimary(const Opened& opened, bool heapcheck, Output* output) {
  LockGraph(opened.index);
  Examine(opened, heapcheck, output);
  UnlockGraph(opened.index);
}

void ExamineOnStandby(const Opened& opened, bool heapcheck, Output* output) {
  for (int attempt = 0; attempt < kMaxAttempts; attempt++) {
    MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "hnswpg check", ALLOCSET_DEFAULT_SIZES);
    MemoryContext old = MemoryContextSwitchTo(context);
    const XLogRecPtr begin = GetXLogReplayRecPtr(nullptr);
    Examination* examination = Examine(opened, heapcheck, output);
    // Without violations there is nothing that replay could have feigned.
    const bool counts =
        output->rows == 0 || examination == nullptr || !ChangedSince(examination, begin);
    MemoryContextSwitchTo(old);
    MemoryContextDelete(context);
    if (counts) return;
    tuplestore_clear(output->result->setResult);
    output->rows = 0;
  }
  ereport(
      ERROR,
      (errcode(ERRCODE_OBJECT_IN_USE),
       errmsg("index \"%s\" is being changed by replay all the time",
              RelationGetRelationName(opened.index)),
       errhint(
           "Call pg_wal_replay_pause() before the check and pg_wal_replay_resume() after it.")));
}

}  // namespace
}  // namespace hnswpg

HNSWPG_FUNCTION(hnsw_check)(PG_FUNCTION_ARGS) {
  using namespace hnswpg;
  InitMaterializedSRF(fcinfo, 0);
  const Opened opened = Open(PG_GETARG_OID(0));
  const bool heapcheck = PG_GETARG_BOOL(1);
  Output output = {reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo), 0};
  if (RecoveryInProgress()) {
    ExamineOnStandby(opened, heapcheck, &output);
  } else {
    ExamineOnPrimary(opened, heapcheck, &output);
  }
  index_close(opened.index, AccessShareLock);
  table_close(opened.heap, AccessShareLock);
  return static_cast<Datum>(0);
}
