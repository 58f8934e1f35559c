// hnsw_status(index [, skip_unreadable]): what an index holds, one row; of a
// partitioned index a row for each partition's that can be read.
//
// AccessShareLock on table and index; the metapage is read once, so the numbers of
// a row belong together. Anybody may ask: it tells no more than the statistics
// views do.
//
// Where several indexes are asked about, or with skip_unreadable, a damaged one does not
// hide the others: its row has its name and NULLs, and a warning says what is wrong.
// (Reading it is a subtransaction then, which the server does not allow beside parallel
// workers; so the function is PARALLEL UNSAFE.)
#include "am/sql/index_target.h"
#include "hnswpg/postgres/function.h"
#include "hnswpg/storage/page/index.h"

extern "C" {
#include "catalog/pg_class.h"
#include "funcapi.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"
}

#include <algorithm>
#include <cmath>

namespace hnswpg {
namespace {

// The columns, in the order of the SQL declaration.
struct Row {
  static constexpr int kColumns = 17;
  Datum values[kColumns] = {};
  bool nulls[kColumns] = {};
  int n = 0;

  void Add(Datum value, bool null = false) {
    values[n] = value;
    nulls[n++] = null;
  }
  void AddCount(int64 count) { Add(Int64GetDatum(count)); }
};

// From the rows a page that VACUUM or ANALYZE have counted last, and the table's size
// now. (The planner's own estimate makes up rows for a table that was never counted, and
// takes an empty one for ten pages that are about to be filled.)
void AddEstimatedRows(Relation table, Row* row) {
  const BlockNumber pages = RelationGetNumberOfBlocks(table);
  const int32 counted = table->rd_rel->relpages;
  const double tuples = table->rd_rel->reltuples;
  if (pages == 0) {
    row->AddCount(0);
  } else if (tuples < 0 || counted <= 0) {
    row->Add(0, true);
  } else {
    row->AddCount(std::llround(tuples / counted * pages));
  }
}

void AddCounts(const Meta& meta, Row* row) {
  const int64 elements = meta.n_linked;
  const int64 pending = meta.n_pending;
  row->AddCount(elements);
  row->AddCount(pending);
  row->AddCount(meta.n_dead);
  row->AddCount(meta.n_free);
  // A pending element may have lost its only row.
  row->AddCount(std::max<int64>(0, static_cast<int64>(meta.n_tids) - elements - pending));
}

void AddGraph(const Meta& meta, Row* row) {
  const bool empty = meta.entry == kNoId;
  row->Add(Int32GetDatum(empty ? 0 : static_cast<int32>(meta.entry_level) + 1));
  row->Add(Int64GetDatum(meta.entry), empty);
  row->Add(TimestampTzGetDatum(meta.last_sync), meta.last_sync == 0);
}

void AddSizes(const HnswIndex& index, Row* row) {
  const ElementLayout& layout = index.layout;
  const BlockNumber blocks = RelationGetNumberOfBlocks(index.rel);
  const int64 graph =
      layout.BlocksOf(PageKind::kGraph, blocks) + layout.BlocksOf(PageKind::kUpper, blocks);
  row->AddCount(graph * BLCKSZ);
  row->AddCount(static_cast<int64>(layout.BlocksOf(PageKind::kVector, blocks)) * BLCKSZ);
  row->AddCount(static_cast<int64>(blocks) * BLCKSZ);
}

void AddCodes(const Meta& meta, Row* row) {
  const bool none = meta.quantization == static_cast<uint8_t>(Quantization::kNone);
  row->Add(CStringGetTextDatum(none ? "none" : "int8"));
  row->Add(BoolGetDatum(meta.automatic != 0));
  row->AddCount(none ? meta.n_linked : meta.n_exact);
  row->Add(Int32GetDatum(meta.book));
}

Row Describe(const IndexTarget& target) {
  const HnswIndex index = OpenIndex(target.index);
  Row row;
  row.Add(ObjectIdGetDatum(RelationGetRelid(target.index)));
  AddEstimatedRows(target.table, &row);
  AddCounts(index.meta, &row);
  AddGraph(index.meta, &row);
  AddSizes(index, &row);
  AddCodes(index.meta, &row);
  return row;
}

// Of an index of which nothing can be said.
Row DescribeDamaged(const IndexTarget& target) {
  Row row;
  row.Add(ObjectIdGetDatum(RelationGetRelid(target.index)));
  while (row.n < Row::kColumns) row.Add(0, true);
  return row;
}

bool IsDamage(const ErrorData& error) {
  return error.sqlerrcode == ERRCODE_INDEX_CORRUPTED || error.sqlerrcode == ERRCODE_DATA_CORRUPTED;
}

// The error is at the top of the server's stack of errors. Raised again unless it says
// that the index is damaged; then it becomes a warning.
void WarnOfDamage(MemoryContext context, Relation index) {
  MemoryContextSwitchTo(context);
  ErrorData* error = CopyErrorData();
  if (!IsDamage(*error)) PG_RE_THROW();
  FlushErrorState();
  ereport(WARNING, (errcode(error->sqlerrcode),
                    errmsg("index \"%s\" cannot be read", RelationGetRelationName(index)),
                    errdetail_internal("%s.", error->message), errhint("REINDEX it.")));
  FreeErrorData(error);
}

Row DescribeOrWarn(const IndexTarget& target) {
  MemoryContext context = CurrentMemoryContext;
  ResourceOwner owner = CurrentResourceOwner;
  Row row;
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(context);
  PG_TRY();
  {
    row = Describe(target);
    ReleaseCurrentSubTransaction();
  }
  PG_CATCH();
  {
    WarnOfDamage(context, target.index);
    RollbackAndReleaseCurrentSubTransaction();
    row = DescribeDamaged(target);
  }
  PG_END_TRY();
  MemoryContextSwitchTo(context);
  CurrentResourceOwner = owner;
  return row;
}

void PutRow(Oid oid, const TargetUse& use, ReturnSetInfo* result) {
  const IndexTarget target = OpenTarget(oid, use);
  if (target.index == nullptr) return;
  Row row = use.skips ? DescribeOrWarn(target) : Describe(target);
  CloseTarget(target, use);
  Assert(row.n == Row::kColumns && result->setDesc->natts == Row::kColumns);
  tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.nulls);
}

}  // namespace
}  // namespace hnswpg

HNSWPG_FUNCTION(hnsw_status)(PG_FUNCTION_ARGS) {
  using namespace hnswpg;
  InitMaterializedSRF(fcinfo, 0);
  ReturnSetInfo* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  const Oid index = PG_GETARG_OID(0);
  const char relkind = get_rel_relkind(index);
  const bool skips = PG_GETARG_BOOL(1);
  if (skips && relkind == '\0') return static_cast<Datum>(0);
  CheckIsHnsw(index);
  // One partition that cannot be read does not hide the others.
  const TargetUse use = {"read", AccessShareLock, AccessShareLock,
                         skips || relkind == RELKIND_PARTITIONED_INDEX};
  ListCell* cell;
  foreach (cell, LeafIndexes(index)) PutRow(lfirst_oid(cell), use, result);
  return static_cast<Datum>(0);
}
