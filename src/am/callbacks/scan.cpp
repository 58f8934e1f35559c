// amgettuple and its kin: rows in the order of their exact distance
// (hnswpg/storage/search/search.h).
//
// A scan needs an MVCC snapshot: src/storage/search/README.md, "What a scan may return",
// says why that is enough.
#include "am/callbacks/heap_prefetch.h"
#include "hnswpg/am/am.h"

extern "C" {
#include "pgstat.h"
#include "storage/predicate.h"
#include "utils/snapmgr.h"
}

#include <algorithm>
#include <new>

#include "am/callbacks/session_memory.h"
#include "hnswpg/storage/search/search.h"
#include "hnswpg/storage/vacuum/mark_killed.h"

namespace hnswpg {
namespace {

// What hangs off the scan descriptor. `search` and all it uses live in the loan.
struct ScanOpaque {
  MemoryLoan memory;
  Search* search;
  TidRef last;  // the row returned last
  bool has_last;
};

SessionMemory session_memory = {"hnswpg scan", nullptr};

// What the session's settings say when the scan begins.
SearchOptions OptionsOf(IndexScanDesc desc) {
  SearchOptions options;
  options.ef_search = ef_search;
  options.further_rounds = static_cast<FurtherRounds>(iterative_scan);
  options.max_measured = max_scan_tuples;
  options.max_memory = static_cast<size_t>(work_mem * 1024.0 * scan_mem_multiplier);
  options.skip_killed = desc->ignore_killed_tuples;
  return options;
}

// Makes the search from the ORDER BY argument, in the scan's memory context.
Search* MakeSearch(IndexScanDesc desc, VisitedBits* visited) {
  const HnswIndex index = OpenIndex(desc->indexRelation);
  const ScanKey key = &desc->orderByData[0];
  const void* query = nullptr;
  if (!(key->sk_flags & SK_ISNULL)) {
    query = TakeQuery(index.space, key->sk_argument);
  }
  void* code = palloc0(index.space.code_bytes());
  if (query) index.space.Encode(query, code);
  return new (palloc(sizeof(Search))) Search(index, query, code, visited, OptionsOf(desc));
}

}  // namespace

IndexScanDesc hnswbeginscan(Relation index, int nkeys, int norderbys) {
  IndexScanDesc desc = RelationGetIndexScan(index, nkeys, norderbys);
  ScanOpaque* opaque = static_cast<ScanOpaque*>(palloc0(sizeof(ScanOpaque)));
  BorrowMemory(&session_memory, &opaque->memory);
  desc->opaque = opaque;
  return desc;
}

void hnswrescan(IndexScanDesc desc, ScanKey keys, int, ScanKey orderbys, int) {
  PrepareScanSettings();
  ScanOpaque* opaque = static_cast<ScanOpaque*>(desc->opaque);
  MemoryContextReset(opaque->memory.lent->context);
  opaque->search = nullptr;
  opaque->has_last = false;
  if (keys && desc->numberOfKeys > 0) {
    memmove(desc->keyData, keys, desc->numberOfKeys * sizeof(ScanKeyData));
  }
  if (orderbys && desc->numberOfOrderBys > 0) {
    memmove(desc->orderByData, orderbys, desc->numberOfOrderBys * sizeof(ScanKeyData));
  }
}

bool hnswgettuple(IndexScanDesc desc, ScanDirection direction) {
  ScanOpaque* opaque = static_cast<ScanOpaque*>(desc->opaque);
  if (!ScanDirectionIsForward(direction)) elog(ERROR, "an hnsw index is scanned forward only");
  if (desc->numberOfOrderBys != 1) elog(ERROR, "an hnsw index needs an ORDER BY distance to scan");
  // Not with the search's memory, which is counted: a record takes room for whole pages.
  if (opaque->search != nullptr && desc->kill_prior_tuple && opaque->has_last) {
    MarkKilled(opaque->search->index(), opaque->last);
  }
  MemoryContext old = MemoryContextSwitchTo(opaque->memory.lent->context);
  if (opaque->search == nullptr) {
    if (!IsMVCCSnapshot(desc->xs_snapshot)) {
      ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                      errmsg("an hnsw index can only be scanned with an MVCC snapshot")));
    }
    pgstat_count_index_scan(desc->indexRelation);
    PredicateLockRelation(desc->indexRelation, desc->xs_snapshot);
    opaque->search = MakeSearch(desc, &opaque->memory.lent->visited);
  }
  if (opaque->has_last) RememberHeapPage(desc);
  const TidRef* next = opaque->search->Next();
  ItemPointerData tids[kMaxPrefetchedRows];
  const int n = opaque->search->Upcoming(tids, kMaxPrefetchedRows);
  if (n > 0) PrefetchHeapRows(desc, tids, n);
  MemoryContextSwitchTo(old);
  opaque->has_last = next != nullptr;
  if (next == nullptr) return false;
  opaque->last = *next;
  desc->xs_heaptid = next->tid;
  PinHeapPage(desc, next->tid);
  desc->xs_recheck = false;
  desc->xs_recheckorderby = false;
  return true;
}

void hnswendscan(IndexScanDesc desc) {
  ScanOpaque* opaque = static_cast<ScanOpaque*>(desc->opaque);
  ReturnMemory(&opaque->memory);
  // `opaque` goes with the rest of the executor's memory, which calls back then.
  desc->opaque = nullptr;
}

}  // namespace hnswpg
