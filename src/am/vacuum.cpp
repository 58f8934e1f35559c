// ambulkdelete and amvacuumcleanup.
#include "hnswpg/storage/vacuum.h"

#include "hnswpg/am/am.h"
#include "hnswpg/storage/linker.h"

namespace hnswpg {
namespace {

struct Callback {
  IndexBulkDeleteCallback function;
  void* state;
};

bool AskCallback(ItemPointer tid, void* arg) {
  const Callback* callback = static_cast<const Callback*>(arg);
  return callback->function(tid, callback->state);
}

IndexBulkDeleteResult* EnsureStats(IndexBulkDeleteResult* stats) {
  if (stats) return stats;
  return static_cast<IndexBulkDeleteResult*>(palloc0(sizeof(IndexBulkDeleteResult)));
}

}  // namespace

// When this returns, no TID that the callback called dead is in the index, so
// the heap may use it again. Elements that are pending when it begins are linked
// first; one that comes later has a TID of a row that is alive.
IndexBulkDeleteResult* hnswbulkdelete(IndexVacuumInfo* info, IndexBulkDeleteResult* stats,
                                      IndexBulkDeleteCallback callback, void* callback_state) {
  const Index index = OpenIndex(info->index);
  stats = EnsureStats(stats);
  Callback ask = {callback, callback_state};
  LockGraph(index.rel);
  LinkAllPending(index, WriteMode::kLogged);
  const VacuumCounts counts = MarkDead(index, info->strategy, AskCallback, &ask);
  UnlockGraph(index.rel);
  stats->tuples_removed += counts.tids_removed;
  stats->num_index_tuples = counts.tids_left;
  // Also those of an earlier vacuum that was cut short.
  RemoveDead(index);
  return stats;
}

IndexBulkDeleteResult* hnswvacuumcleanup(IndexVacuumInfo* info, IndexBulkDeleteResult* stats) {
  if (info->analyze_only) return stats;
  const Index index = OpenIndex(info->index);
  const bool known = stats != nullptr;
  if (!known) RemoveDead(index);
  stats = EnsureStats(stats);
  const Meta meta = ReadMeta(index);
  stats->num_pages = RelationGetNumberOfBlocks(info->index);
  stats->pages_free = 0;
  if (!known) {
    stats->num_index_tuples = meta.n_linked + meta.n_pending;
    stats->estimated_count = true;  // rows of equal vectors share an element
  }
  return stats;
}

}  // namespace hnswpg
