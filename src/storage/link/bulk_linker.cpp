// In this order (README.md, "Linking in memory"): the graph is loaded and
// added to, without the graph lock; the lists are written; then the elements are
// linked, oldest first, each under a parent that is linked already.
//
// The builder's threads and memory are not the server's: whatever ends this (error,
// cancel, FATAL) passes StopBuilder.
#include "storage/link/bulk_linker.h"

extern "C" {
#include "miscadmin.h"
#include "storage/ipc.h"
}

#include <new>

#include "hnswpg/storage/build/build_status.h"
#include "hnswpg/storage/link/page_linker.h"
#include "storage/link/bulk_graph.h"
#include "storage/link/bulk_writer.h"

namespace hnswpg {
namespace {

// Fewer than this, or than one for so many that are linked, are linked one by one:
// reading and writing the whole graph would take longer. And more than are pending
// where insertions find that hnsw.pending_limit (by default) is reached: then they
// help, which they could not while somebody links in memory.
constexpr uint32_t kFewest = 2000;
constexpr uint32_t kLinkedForOne = 8;

void StopBuilder(int, Datum arg) {
  GraphBuilder** builder = reinterpret_cast<GraphBuilder**>(DatumGetPointer(arg));
  GraphBuilder::Destroy(*builder);
  *builder = nullptr;
}

// Each under the graph lock.
LinkingResult LinkPlanned(const HnswIndex& index, const BulkGraph& graph, GraphTurn* turn) {
  PageLinker* linker = new (palloc(sizeof(PageLinker))) PageLinker(&index, WriteMode::kLogged);
  LinkingResult result;
  for (const Plan& plan : graph.plans()) {
    CHECK_FOR_INTERRUPTS();
    if (!turn->Yield()) return result;
    if (plan.node != kNoId && !graph.IsBlind(plan.node)) {
      linker->LinkPreparedOldest(plan.id);
    } else if (plan.equal != kNoId) {
      linker->MergeOldest(plan.id, plan.equal);
    } else {
      linker->LinkOldest();
    }
    result.linked++;
  }
  result.complete = true;
  return result;
}

LinkingResult Link(const HnswIndex& index, GraphBuilder* builder, bool gives_way) {
  BulkGraph graph(&index, builder);
  LinkingResult result;
  if (!graph.Make(gives_way)) return result;
  LockGraph(index.rel);
  GraphTurn turn(index.rel, gives_way, GraphTurn::kShort);
  if (WriteLists(index, graph, &turn)) result = LinkPlanned(index, graph, &turn);
  UnlockGraph(index.rel);
  return result;
}

}  // namespace

bool BulkPays(const HnswIndex& index, uint32_t n_pending) {
  const Meta meta = ReadMeta(index);
  const uint32_t in_graph = meta.n_linked + meta.n_dead;
  if (n_pending < kFewest || n_pending < in_graph / kLinkedForOne) return false;
  const uint32_t elements = in_graph + n_pending;
  GraphBuilder* builder = CreateBuilder(index, elements);
  const size_t needed =
      builder->MemoryNeeded(elements) + BulkGraph::Bytes(meta.next_element, elements);
  GraphBuilder::Destroy(builder);
  return needed <= BuildMemoryLimit();
}

LinkingResult LinkInMemory(const HnswIndex& index, bool gives_way) {
  const Meta meta = ReadMeta(index);
  MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hnswpg linking in memory",
                                                ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  LinkingResult result;
  GraphBuilder* builder = CreateBuilder(index, meta.n_linked + meta.n_dead + meta.n_pending);
  PG_ENSURE_ERROR_CLEANUP(StopBuilder, PointerGetDatum(&builder));
  { result = Link(index, builder, gives_way); }
  PG_END_ENSURE_ERROR_CLEANUP(StopBuilder, PointerGetDatum(&builder));
  StopBuilder(0, PointerGetDatum(&builder));
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
  return result;
}

}  // namespace hnswpg
