#include "hnswpg/storage/page/pending.h"

namespace hnswpg {

ElementId OldestPending(Page page) {
  return MetaOf(page)->n_runs == 0 ? kNoId : RunsOf(page)->first;
}

// One that is not the last, see AppendPending.
bool HasRoomForRun(const Meta& meta) { return meta.n_runs + 1u < kMaxPendingRuns; }

namespace {

void SetRunsEnd(Page page) {
  const Meta* meta = MetaOf(page);
  const uint32_t end = kRunsOffset + (meta->first_run + meta->n_runs) * sizeof(PendingRun);
  reinterpret_cast<PageHeader>(page)->pd_lower = end;
}

}  // namespace

void AppendPending(Page page, ElementId id) {
  Meta* meta = MetaOf(page);
  PendingRun* runs = RunsOf(page);
  PendingRun* last = meta->n_runs > 0 ? &runs[meta->n_runs - 1] : nullptr;
  meta->n_pending++;
  if (last != nullptr && last->first + last->count == id) {
    last->count++;
    return;
  }
  if (meta->n_runs >= kMaxPendingRuns) elog(ERROR, "hnswpg: no room for another pending run");
  if (meta->first_run + meta->n_runs == kMaxPendingRuns) {
    memmove(runs - meta->first_run, runs, meta->n_runs * sizeof(PendingRun));
    meta->first_run = 0;
    runs = RunsOf(page);
  }
  runs[meta->n_runs++] = PendingRun{id, 1};
  SetRunsEnd(page);
}

void PopPending(Page page, ElementId id) {
  Meta* meta = MetaOf(page);
  PendingRun* run = RunsOf(page);
  if (meta->n_runs == 0 || run->first != id) {
    elog(ERROR, "hnswpg: element %u is not the oldest pending one", id);
  }
  meta->n_pending--;
  run->first++;
  if (--run->count > 0) return;
  meta->first_run++;
  if (--meta->n_runs == 0) meta->first_run = 0;
  SetRunsEnd(page);
}

namespace {

constexpr uint64_t kManyPending = 100000;

void CheckRun(const HnswIndex& index, const Meta& meta, const PendingRun& run) {
  if (run.count > 0 && run.first < meta.next_element &&
      run.count <= meta.next_element - run.first) {
    return;
  }
  ReportDamage(index.rel, kMetaBlock, kNoId, "the pending list has an element that does not exist");
}

}  // namespace

Meta ReadMetaAndOldest(const HnswIndex& index, ElementId* oldest) {
  Buffer buffer = ReadBuffer(index.rel, kMetaBlock);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  const Meta meta = *MetaOf(BufferGetPage(buffer));
  *oldest = OldestPending(BufferGetPage(buffer));
  UnlockReleaseBuffer(buffer);
  if (*oldest != kNoId && *oldest >= meta.next_element) {
    ReportDamage(index.rel, kMetaBlock, kNoId,
                 "the pending list has an element that does not exist");
  }
  return meta;
}

Meta ReadPendingRuns(const HnswIndex& index, PodVector<PendingRun>* runs) {
  // Memory cannot be asked for under the lock.
  PendingRun copied[kMaxPendingRuns];
  Buffer buffer = ReadBuffer(index.rel, kMetaBlock);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  Page page = BufferGetPage(buffer);
  const Meta meta = *MetaOf(page);
  const bool sane = meta.first_run + meta.n_runs <= kMaxPendingRuns;
  if (sane) memcpy(copied, RunsOf(page), meta.n_runs * sizeof(PendingRun));
  UnlockReleaseBuffer(buffer);
  if (!sane) ReportDamage(index.rel, kMetaBlock, kNoId, "the pending list has no such runs");
  uint64_t n = 0;
  for (uint32_t i = 0; i < meta.n_runs; i++) {
    CheckRun(index, meta, copied[i]);
    n += copied[i].count;
    runs->Push(copied[i]);
  }
  if (n > meta.next_element) {
    ReportDamage(index.rel, kMetaBlock, kNoId, "the pending list has elements more than once");
  }
  // Before somebody makes room for so many. Fewer are read, and what is not there is noticed then.
  if (n > kManyPending && index.layout.SlotBlock(static_cast<ElementId>(n) - 1) >=
                              RelationGetNumberOfBlocks(index.rel)) {
    ReportDamage(index.rel, kMetaBlock, kNoId, "more pending elements than the file has room for");
  }
  return meta;
}

void ReadPending(const HnswIndex& index, PodVector<ElementId>* ids) {
  PodVector<PendingRun> runs(ContextArena(CurrentMemoryContext));
  ReadPendingRuns(index, &runs);
  for (const PendingRun& run : runs) {
    ids->Reserve(ids->size() + run.count);
    for (uint32_t i = 0; i < run.count; i++) ids->Push(run.first + i);
  }
}

}  // namespace hnswpg
