// hnsw_check(index [, heapcheck]): every violated invariant as a row.
//
// Locks: the table and the index in AccessShareLock, as amcheck's functions; and
// the graph lock while the index is read, so that links, states and TIDs hold still
// (linking and VACUUM of this index wait; searches do not). What the table's rows have to
// be is found out before: that runs the index's expressions.
//
// A standby has no writers to lock out, only WAL being replayed. There the index
// is read as it is; what is found counts only if no page of the index was changed
// meanwhile, else the examination is repeated.
#include "am/sql/check_heap.h"
#include "am/sql/index_target.h"
#include "hnswpg/am/am.h"
#include "hnswpg/postgres/function.h"
#include "hnswpg/storage/check/examination.h"
#include "hnswpg/storage/page/locks.h"

extern "C" {
#include "access/xlog.h"
#include "access/xlogrecovery.h"
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

constexpr TargetUse kCheck = {"check", AccessShareLock, AccessShareLock};

// Each violation is a row with a block of one file.
void RefusePartitioned(Oid index) {
  if (get_rel_relkind(index) != RELKIND_PARTITIONED_INDEX) return;
  const char* name = get_rel_name(index);
  ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                  errmsg("cannot check partitioned index \"%s\"", name),
                  errdetail("Each of its partitions is an index of its own."),
                  errhint("SELECT relid, c.* FROM pg_partition_tree(%s) AS t, hnsw_check(t.relid) "
                          "AS c WHERE t.isleaf;",
                          quote_literal_cstr(quote_qualified_identifier(
                              get_namespace_name(get_rel_namespace(index)), name)))));
}

Examination* Examine(const IndexTarget& target, const HeapCheck* heap_check, Output* output) {
  Examination* examination = ExamineIndex(target.index, {AddRow, output});
  if (examination == nullptr) return nullptr;
  if (IsHeap(target.table)) ExamineHeapLines(examination, target.table);
  if (heap_check) CheckHeapRows(heap_check, examination);
  return examination;
}

void ExamineOnPrimary(const IndexTarget& target, bool heapcheck, Output* output) {
  HeapCheck* heap_check = heapcheck ? BeginHeapCheck(target.table, target.index) : nullptr;
  LockGraph(target.index);
  Examine(target, heap_check, output);
  UnlockGraph(target.index);
  if (heap_check) EndHeapCheck(heap_check);
}

void ExamineOnStandby(const IndexTarget& target, bool heapcheck, Output* output) {
  for (int attempt = 0; attempt < kMaxAttempts; attempt++) {
    MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "hnswpg check", ALLOCSET_DEFAULT_SIZES);
    MemoryContext old = MemoryContextSwitchTo(context);
    const XLogRecPtr begin = GetXLogReplayRecPtr(nullptr);
    HeapCheck* heap_check = heapcheck ? BeginHeapCheck(target.table, target.index) : nullptr;
    Examination* examination = Examine(target, heap_check, output);
    if (heap_check) EndHeapCheck(heap_check);
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
              RelationGetRelationName(target.index)),
       errhint(
           "Call pg_wal_replay_pause() before the check and pg_wal_replay_resume() after it.")));
}

}  // namespace
}  // namespace hnswpg

HNSWPG_FUNCTION(hnsw_check)(PG_FUNCTION_ARGS) {
  using namespace hnswpg;
  InitMaterializedSRF(fcinfo, 0);
  const Oid index = PG_GETARG_OID(0);
  CheckIsHnsw(index);
  RefusePartitioned(index);
  const IndexTarget target = OpenTarget(index, kCheck);
  const bool heapcheck = PG_GETARG_BOOL(1);
  Output output = {reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo), 0};
  if (RecoveryInProgress()) {
    ExamineOnStandby(target, heapcheck, &output);
  } else {
    ExamineOnPrimary(target, heapcheck, &output);
  }
  CloseTarget(target, kCheck);
  return static_cast<Datum>(0);
}
