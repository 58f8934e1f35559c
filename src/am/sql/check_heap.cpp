// Whether every row of the table is in the index: the table is scanned as CREATE
// INDEX scans it, and each row looked up in the index by its TID.
//
// The scan evaluates the index's expressions, which may run anything and wait for
// anybody. So it comes first, without the graph lock, and leaves a few bytes for each
// row. The rows are compared later, with the graph lock held. They are in the index
// then, whatever happened in between: their TIDs were inserted before the snapshot saw
// them, and VACUUM leaves them in place as long as the snapshot is registered.
#include "am/sql/check_heap.h"

extern "C" {
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "common/hashfn.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
}

#include "hnswpg/am/am.h"
#include "hnswpg/core/memory/arena.h"
#include "hnswpg/core/memory/pod_vector.h"

namespace hnswpg {

// A row that has to be in the index.
struct HeapRow {
  uint64 vector;  // its Fingerprint
  ItemPointerData tid;
};

struct HeapCheck {
  HeapCheck(Arena arena, const OpclassSupport& of_index) : opclass(of_index), rows(arena) {}

  OpclassSupport opclass;
  Snapshot snapshot = nullptr;
  MemoryContext row_context = nullptr;  // reset for each row
  PodVector<HeapRow> rows;
};

namespace {

// Equal vectors have equal ones; others do not, but by a chance of one in 2^64.
uint64 Fingerprint(const void* vector, size_t bytes) {
  return DatumGetUInt64(
      hash_any_extended(static_cast<const unsigned char*>(vector), static_cast<int>(bytes), 0));
}

// The table scan's callback. Of whatever dimensions the vector is: another fingerprint
// than that of the index's vector says that they differ.
void RememberRow(Relation, ItemPointer tid, Datum* values, bool* nulls, bool, void* arg) {
  HeapCheck* check = static_cast<HeapCheck*>(arg);
  CHECK_FOR_INTERRUPTS();
  if (nulls[0]) return;
  MemoryContext old = MemoryContextSwitchTo(check->row_context);
  const TakenVector taken =
      TakeAny(check->opclass.representation, check->opclass.metric, values[0]);
  if (taken.bytes) check->rows.Push(HeapRow{Fingerprint(taken.bytes, taken.size), *tid});
  MemoryContextSwitchTo(old);
  MemoryContextReset(check->row_context);
}

void ScanTable(HeapCheck* check, Relation heap, Relation index) {
  IndexInfo* info = BuildIndexInfo(index);
  // As the second scan of CREATE INDEX CONCURRENTLY: by the snapshot alone.
  info->ii_Concurrent = true;
  TableScanDesc scan = table_beginscan_strat(heap, check->snapshot, 0, nullptr, true, true);
  table_index_build_scan(heap, index, info, true, false, RememberRow, check, scan);
}

}  // namespace

bool IsHeap(Relation table) { return table->rd_tableam == GetHeapamTableAmRoutine(); }

namespace {

// As the table's owner, with security restrictions, as VACUUM and amcheck do.
void ScanAsOwner(HeapCheck* check, Relation heap, Relation index) {
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

// A row may be in a HOT chain that was broken for an index built later.
void CheckIsOldEnough(Relation index, Snapshot snapshot) {
  if (!IsolationUsesXactSnapshot() || !index->rd_index->indcheckxmin ||
      TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data), snapshot->xmin)) {
    return;
  }
  ereport(
      ERROR,
      (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
       errmsg("index \"%s\" cannot be checked against its table using this transaction's snapshot",
              RelationGetRelationName(index))));
}

}  // namespace

HeapCheck* BeginHeapCheck(Relation heap, Relation index) {
  HeapCheck* check = new (palloc(sizeof(HeapCheck)))
      HeapCheck(ContextArena(CurrentMemoryContext), *SupportOf(index));
  check->snapshot = RegisterSnapshot(GetTransactionSnapshot());
  CheckIsOldEnough(index, check->snapshot);
  check->row_context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg check, one row", ALLOCSET_DEFAULT_SIZES);
  ScanAsOwner(check, heap, index);
  return check;
}

void CheckHeapRows(const HeapCheck* check, Examination* examination) {
  const HnswIndex& index = ExaminedIndex(examination);
  const size_t bytes = index.space.vector_bytes();
  void* stored = palloc(bytes);
  for (const HeapRow& row : check->rows) {
    CHECK_FOR_INTERRUPTS();
    const BlockNumber block = ItemPointerGetBlockNumber(&row.tid);
    const OffsetNumber offset = ItemPointerGetOffsetNumber(&row.tid);
    const ElementId id = FindHeapTid(examination, row.tid);
    if (id == kNoId) {
      Report(examination, kMetaBlock, kNoId, "the row at heap TID (%u,%u) is not in the index",
             block, offset);
    } else if (CopyExaminedVector(examination, id, stored) &&
               Fingerprint(stored, bytes) != row.vector) {
      Report(examination, index.layout.SlotBlock(id), id,
             "its vector is not the vector of the row at heap TID (%u,%u)", block, offset);
    }
  }
}

void EndHeapCheck(HeapCheck* check) { UnregisterSnapshot(check->snapshot); }

}  // namespace hnswpg
