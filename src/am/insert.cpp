// aminsert: writes the element, which every scan finds from then on. Linking it
// into the graph is left to others, unless the index is WITH (sync = immediate), the
// table is temporary (no other process can read it), or too much is pending. A row version
// whose vector an UPDATE has left alone goes to the element that has the vector, if that can
// be had cheaply.
#include "hnswpg/am/am.h"
#include "hnswpg/am/kept_memory.h"
#include "hnswpg/storage/announce.h"
#include "hnswpg/storage/element_writer.h"
#include "hnswpg/storage/equal_element.h"
#include "hnswpg/storage/linker.h"
#include "hnswpg/storage/sync.h"

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
  Index index;
  bool immediate;
  MemoryLoan scratch;  // reset for each row
};

KeptMemory kept_memory = {"hnswpg insertion", nullptr};

Inserter* GetInserter(Relation rel, IndexInfo* info) {
  if (info->ii_AmCache) return static_cast<Inserter*>(info->ii_AmCache);
  MemoryContext old = MemoryContextSwitchTo(info->ii_Context);
  const bool immediate = LinksAtOnce(rel) || RelationUsesLocalBuffers(rel);
  Inserter* inserter = static_cast<Inserter*>(palloc(sizeof(Inserter)));
  *inserter = Inserter{OpenIndex(rel), immediate, {}};
  BorrowMemory(&kept_memory, &inserter->scratch);
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

void Insert(const Inserter& inserter, const float* vector, ItemPointer tid, bool unchanged) {
  const Index& index = inserter.index;
  const ElementId equal = unchanged ? FindEqualElement(index, vector) : kNoId;
  if (equal != kNoId && AppendTid(index, equal, vector, tid)) return;
  const Written written = WriteElement(index, WriteMode::kLogged, vector, tid, equal);
  if (inserter.immediate) {
    LinkPending(index, WriteMode::kLogged, written.id);
    return;
  }
  AnnounceWork(index.rel);
  if (written.n_pending <= static_cast<uint32_t>(pending_limit)) return;
  if (!LinkBatch(index)) SlowDown(written.n_pending);
}

}  // namespace

bool hnswinsert(Relation rel, Datum* values, bool* nulls, ItemPointer tid, Relation,
                IndexUniqueCheck, bool unchanged, IndexInfo* info) {
  if (nulls[0]) return false;
  Inserter* inserter = GetInserter(rel, info);
  // One command may insert into several relations of the same definition, never
  // with the same IndexInfo; but the relation's memory may move.
  inserter->index.rel = rel;
  MemoryContext old = MemoryContextSwitchTo(inserter->scratch.kept->context);
  const float* vector = IndexableVector(inserter->index.parameters, values[0]);
  if (vector) Insert(*inserter, vector, tid, unchanged);
  MemoryContextSwitchTo(old);
  MemoryContextReset(inserter->scratch.kept->context);
  return false;
}

}  // namespace hnswpg
