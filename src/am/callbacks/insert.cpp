// aminsert: writes the element, which every scan finds from then on. Linking it
// into the graph is left to others, unless the index is WITH (sync = immediate), the
// table is temporary (no other process can read it), or too much is pending. A row version
// whose vector an UPDATE has left alone goes to the element that has the vector, if that can
// be had cheaply.
#include "am/callbacks/session_memory.h"
#include "hnswpg/am/am.h"
#include "hnswpg/signal/announce_work.h"
#include "hnswpg/storage/insert/element_writer.h"
#include "hnswpg/storage/insert/equal_element.h"
#include "hnswpg/storage/link/link_pending.h"

extern "C" {
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/wait_event.h"
}

#include <algorithm>
#include <cmath>

namespace hnswpg {
namespace {

// What one command needs for all its rows; hangs off its IndexInfo.
struct Inserter {
  HnswIndex index;
  bool immediate;
  MemoryLoan scratch;  // reset for each row
};

SessionMemory session_memory = {"hnswpg insertion", nullptr};

Inserter* GetInserter(Relation rel, IndexInfo* info) {
  if (info->ii_AmCache) return static_cast<Inserter*>(info->ii_AmCache);
  MemoryContext old = MemoryContextSwitchTo(info->ii_Context);
  const bool immediate = LinksAtOnce(rel) || RelationUsesLocalBuffers(rel);
  Inserter* inserter = static_cast<Inserter*>(palloc(sizeof(Inserter)));
  *inserter = Inserter{OpenIndex(rel), immediate, {}};
  BorrowMemory(&session_memory, &inserter->scratch);
  MemoryContextSwitchTo(old);
  info->ii_AmCache = inserter;
  return inserter;
}

// While somebody links in memory no inserter can help. Then what is pending beyond
// the limit makes insertions slower, the more of it the slower, so that several
// writers cannot let it grow without bounds.
void SlowDown(double n_pending) {
  constexpr double kMilliseconds = 20;  // where twice the limit is pending
  constexpr double kMost = 100;
  const double beyond = n_pending / std::max(pending_limit, 1) - 1;
  const long delay = std::lround(std::min(kMilliseconds * beyond, kMost));
  if (delay == 0) return;
  WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, delay, PG_WAIT_EXTENSION);
  ResetLatch(MyLatch);
  CHECK_FOR_INTERRUPTS();
}

void Insert(const Inserter& inserter, const void* vector, ItemPointer tid, bool unchanged) {
  const HnswIndex& index = inserter.index;
  const ElementId equal = unchanged ? FindEqualElement(index, vector) : kNoId;
  if (equal != kNoId && AppendTid(index, equal, vector, tid)) return;
  const Written written = WriteElement(index, WriteMode::kLogged, vector, tid, equal);
  if (inserter.immediate) {
    LinkPendingUntil(index.rel, WriteMode::kLogged, written.id);
    return;
  }
  AnnounceWork(index.rel);
  if (written.n_pending <= static_cast<uint32_t>(pending_limit)) return;
  if (!LinkPendingBatch(index.rel)) SlowDown(written.n_pending);
}

}  // namespace

bool hnswinsert(Relation rel, Datum* values, bool* nulls, ItemPointer tid, Relation,
                IndexUniqueCheck, bool unchanged, IndexInfo* info) {
  if (nulls[0]) return false;
  Inserter* inserter = GetInserter(rel, info);
  // One command may insert into several relations of the same definition, never
  // with the same IndexInfo; but the relation's memory may move.
  inserter->index.rel = rel;
  MemoryContext old = MemoryContextSwitchTo(inserter->scratch.lent->context);
  const void* vector = TakeRow(inserter->index.space, values[0]);
  if (vector) Insert(*inserter, vector, tid, unchanged);
  MemoryContextSwitchTo(old);
  MemoryContextReset(inserter->scratch.lent->context);
  return false;
}

}  // namespace hnswpg
