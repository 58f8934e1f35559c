// ambulkdelete and amvacuumcleanup. VACUUM removes heap TIDs and marks; dead elements
// are taken out of the graph by the worker, or by hnsw_cleanup. (Of a temporary index
// by VACUUM, since nobody else can see it.)
#include "hnswpg/am/am.h"
#include "hnswpg/postgres/compat.h"
#include "hnswpg/signal/announce_work.h"
#include "hnswpg/storage/cleanup/cleanup.h"
#include "hnswpg/storage/link/link_pending.h"
#include "hnswpg/storage/vacuum/mark.h"
#include "hnswpg/storage/vacuum/shrink_file.h"

extern "C" {
#include "utils/relcache.h"
}

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

void CleanUpOrAnnounce(const HnswIndex& index) {
  const Meta meta = ReadMeta(index);
  const bool too_many_dead = DeadFraction(meta) > cleanup_threshold;
  if (RelationUsesLocalBuffers(index.rel)) {
    if (too_many_dead) RemoveDead(index.rel, false);
  } else if (too_many_dead || meta.n_pending > 0 || CodesAreDue(index, meta)) {
    AnnounceWork(index.rel);
  }
}

// vacuum_truncate = off, the table's storage parameter or the server's setting, keeps
// VACUUM from locks that stop searches, on standbys above all, and so from this one.
// (What VACUUM's TRUNCATE option says is not told.)
bool MayShorten(Relation index) {
  Relation table = RelationIdGetRelation(index->rd_index->indrelid);
  const bool may = compat::MayTruncate(table);
  RelationClose(table);
  return may;
}

// Pages' worth of the slots that can be used again, wherever they lie.
BlockNumber FreePages(const HnswIndex& index) {
  const double pages_an_element =
      static_cast<double>(index.layout.pages_per_chunk()) / index.layout.elements_per_chunk();
  return static_cast<BlockNumber>(ReadMeta(index).n_free * pages_an_element);
}

}  // namespace

// When this returns, no TID that the callback called dead is in the index, so
// the heap may use it again.
IndexBulkDeleteResult* hnswbulkdelete(IndexVacuumInfo* info, IndexBulkDeleteResult* stats,
                                      IndexBulkDeleteCallback callback, void* callback_state) {
  const HnswIndex index = OpenIndex(info->index);
  stats = EnsureStats(stats);
  Callback ask = {callback, callback_state};
  const VacuumCounts counts = MarkDead(index, info->strategy, AskCallback, &ask);
  stats->tuples_removed += counts.tids_removed;
  stats->num_index_tuples = counts.tids_left;
  return stats;
}

IndexBulkDeleteResult* hnswvacuumcleanup(IndexVacuumInfo* info, IndexBulkDeleteResult* stats) {
  if (info->analyze_only) return stats;
  const HnswIndex index = OpenIndex(info->index);
  CleanUpOrAnnounce(index);
  if (MayShorten(index.rel)) ShrinkFile(index);
  if (stats == nullptr) {
    stats = EnsureStats(nullptr);
    stats->num_index_tuples = ReadMeta(index).n_tids;
  }
  stats->num_pages = RelationGetNumberOfBlocks(info->index);
  stats->pages_free = FreePages(index);
  return stats;
}

}  // namespace hnswpg
