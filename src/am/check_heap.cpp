// Whether every row of the table is in the index: the table is scanned as CREATE
// INDEX scans it, and each row looked up in the index by its TID.
#include "hnswpg/am/check_heap.h"

extern "C" {
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
}

#include "hnswpg/am/am.h"

namespace hnswpg {

struct HeapCheck {
  Snapshot snapshot;
  Examination* examination;
  MemoryContext row_context;  // reset for each row
  float* stored;
};

namespace {

void ExamineRow(Relation, ItemPointer tid, Datum* values, bool* nulls, bool, void* arg) {
  HeapCheck* check = static_cast<HeapCheck*>(arg);
  CHECK_FOR_INTERRUPTS();
  if (nulls[0]) return;
  MemoryContext old = MemoryContextSwitchTo(check->row_context);
  const Index& index = ExaminedIndex(check->examination);
  const float* vector = IndexableVector(index.parameters, values[0]);
  if (vector) {
    const BlockNumber block = ItemPointerGetBlockNumber(tid);
    const OffsetNumber offset = ItemPointerGetOffsetNumber(tid);
    const ElementId id = FindHeapTid(check->examination, *tid);
    if (id == kNoId) {
      Report(check->examination, kMetaBlock, kNoId,
             "the row at heap TID (%u,%u) is not in the index", block, offset);
    } else if (CopyExaminedVector(check->examination, id, check->stored) &&
               memcmp(vector, check->stored, index.meta.dim * sizeof(float)) != 0) {
      Report(check->examination, index.layout.SlotBlock(id), id,
             "its vector is not the vector of the row at heap TID (%u,%u)", block, offset);
    }
  }
  MemoryContextSwitchTo(old);
  MemoryContextReset(check->row_context);
}

void ScanTable(HeapCheck* check, Relation heap, Relation index) {
  IndexInfo* info = BuildIndexInfo(index);
  // As the second scan of CREATE INDEX CONCURRENTLY: by the snapshot alone.
  info->ii_Concurrent = true;
  TableScanDesc scan = table_beginscan_strat(heap, check->snapshot, 0, nullptr, true, true);
  table_index_build_scan(heap, index, info, true, false, ExamineRow, check, scan);
}

}  // namespace

bool IsHeap(Relation table) { return table->rd_tableam == GetHeapamTableAmRoutine(); }

HeapCheck* BeginHeapCheck(Relation index) {
  HeapCheck* check = static_cast<HeapCheck*>(palloc0(sizeof(HeapCheck)));
  check->snapshot = RegisterSnapshot(GetTransactionSnapshot());
  // A row may be in a HOT chain that was broken for an index built later.
  if (IsolationUsesXactSnapshot() && index->rd_index->indcheckxmin &&
      !TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
                             check->snapshot->xmin)) {
    ereport(
        ERROR,
        (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
         errmsg(
             "index \"%s\" cannot be checked against its table using this transaction's snapshot",
             RelationGetRelationName(index))));
  }
  return check;
}

void CheckHeapRows(HeapCheck* check, Relation heap, Relation index, Examination* examination) {
  check->examination = examination;
  check->stored = static_cast<float*>(palloc(ExaminedIndex(examination).meta.dim * sizeof(float)));
  check->row_context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg check, one row", ALLOCSET_DEFAULT_SIZES);
  Oid user;
  int security;
  GetUserIdAndSecContext(&user, &security);
  SetUserIdAndSecContext(heap->rd_rel->relowner, security | SECURITY_RESTRICTED_OPERATION);
  const int nest_level = NewGUCNestLevel();
  compat::RestrictSearchPath();
  ScanTable(check, heap, index);
  AtEOXact_GUC(false, nest_level);
  SetUserIdAndSecContext(user, security);
}

void EndHeapCheck(HeapCheck* check) { UnregisterSnapshot(check->snapshot); }

}  // namespace hnswpg
