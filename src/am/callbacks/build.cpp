// ambuild: streams the table once, links in memory, writes the graph to pages.
//
// While the table is read, exact vectors go to the index's pages and codes into a
// BuildBackend, which links them. Then elements are numbered so that
// neighbours share pages, and written. What does not fit into maintenance_work_mem
// is inserted into the graph on pages instead.
//
// Codes are relative to a centre that a sample of the table has given. Elements that turn
// out not to be told from their neighbours by their codes are linked once more on pages,
// by their vectors; if they are too many, and the index may choose, the file is emptied
// and built anew without codes. The file is
// not WAL-logged until it is complete: a crash leaves nothing but a file that
// belongs to no committed index, as with every CREATE INDEX.
//
// What is behind the backend is not the server's: whatever ends the build (error, cancel,
// FATAL) passes StopBuild.
#include "hnswpg/am/am.h"

extern "C" {
#include "access/tableam.h"
#include "access/xloginsert.h"
#include "catalog/index.h"
#include "catalog/storage.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "storage/ipc.h"
#include "storage/smgr.h"
#include "utils/backend_progress.h"
}

#include <algorithm>
#include <cmath>

#include "am/callbacks/build_codes.h"
#include "hnswpg/storage/build/backend.h"
#include "hnswpg/storage/build/build_status.h"
#include "hnswpg/storage/build/equal_vectors.h"
#include "hnswpg/storage/build/loader.h"
#include "hnswpg/storage/insert/element_writer.h"
#include "hnswpg/storage/link/link_pending.h"
#include "hnswpg/storage/link/page_linker.h"
#include "hnswpg/storage/page/code_book.h"

namespace hnswpg {
namespace {

enum BuildPhase : int64 {
  kPhaseLoad = PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE + 1,
  kPhaseLink,
  kPhaseWrite,
  kPhaseInsert,
};

struct BuildState {
  const HnswIndex* index;
  BuildBackend* backend;  // null until it is made, and once the graph is on pages
  Loader* loader;
  EqualVectors* equal;
  MemoryContext row_context;  // reset for each row
  char* code;
  bool may_give_up;  // where codes are found not to do
  bool gave_up;      // so the rest of the table is passed over
  double rows;       // indexed so far
  int64 expected;    // rows the table may have
};

void StopBuild(int, Datum arg) {
  BuildState* state = reinterpret_cast<BuildState*>(DatumGetPointer(arg));
  if (state->backend != nullptr) state->backend->Stop();
  state->backend = nullptr;
}

void EnterPhase(BuildPhase phase) {
  pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, phase);
}

void CountRow(BuildState* state) {
  state->rows++;
  const int64 rows = static_cast<int64>(state->rows);
  pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, rows);
  if (rows > state->expected) {
    state->expected = rows;
    pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, rows);
  }
}

// The elements that have been linked blindly, by their vectors.
void LinkExactly(const HnswIndex& index, const PodVector<ElementId>& blind) {
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg linking", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  PageLinker* linker = new (palloc(sizeof(PageLinker))) PageLinker(&index, WriteMode::kBuilding);
  for (ElementId id : blind) {
    CHECK_FOR_INTERRUPTS();
    linker->Relink(id);
  }
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
}

// Of an element that codes do not tell from its neighbours.
void ListBlind(const BuiltGraph& graph, PodVector<ElementId>* blind) {
  for (ElementId id = 0; id < graph.size(); id++) {
    if (graph.IsBlind(id)) blind->Push(id);
  }
}

// Waits until all are linked, and writes the graph to the index's pages. Or gives up.
void WriteGraph(BuildState* state) {
  EnterPhase(kPhaseLink);
  state->equal->Free();
  const BuiltGraph& graph = state->backend->Link();
  state->gave_up = state->may_give_up && graph.CountBlind() > kTooManyBlind * graph.size();
  if (state->gave_up) {
    StopBuild(0, PointerGetDatum(state));
    return;
  }
  state->backend->Complete(state->loader->MayPack());
  EnterPhase(kPhaseWrite);
  PodVector<ElementId> blind(ContextArena(CurrentMemoryContext));
  ListBlind(graph, &blind);
  state->loader->Finish(graph, static_cast<uint32_t>(blind.size()));
  StopBuild(0, PointerGetDatum(state));
  LinkExactly(*state->index, blind);
}

constexpr BytesBeside kBytesBeside = {EqualVectors::kBytesEach + Loader::kBytesEach,
                                      Loader::kBytesEach};

size_t MemoryBeside(const BuildState* state) {
  return state->equal->memory_used() + state->loader->memory_used();
}

// For all rows: what the graph's elements need, and what duplicates need if they go on
// as they began.
double MemoryNeeded(const BuildState* state) {
  const double elements = static_cast<double>(state->backend->size()) * kBytesBeside.linking;
  const double duplicates = std::max(0.0, static_cast<double>(MemoryBeside(state)) - elements);
  return static_cast<double>(state->backend->MemoryNeeded(state->expected)) +
         duplicates * static_cast<double>(state->expected) / std::max(1.0, state->rows);
}

void GoOnOnPages(BuildState* state) {
  ereport(NOTICE,
          (errmsg("the hnsw graph no longer fits into maintenance_work_mem after %.0f rows",
                  state->rows),
           errdetail("The rows that follow are inserted one by one, which takes longer."),
           errhint("Set maintenance_work_mem to %.0f MB or more to build this index in memory.",
                   std::ceil(MemoryNeeded(state) * 1.05 / (1024 * 1024)))));
  WriteGraph(state);
  EnterPhase(kPhaseInsert);
}

void InsertOnPages(const HnswIndex& index, const void* vector, ItemPointer tid) {
  const Written written = WriteElement(index, WriteMode::kBuilding, vector, tid);
  LinkPendingUntil(index.rel, WriteMode::kBuilding, written.id);
}

// Takes the row into the graph in memory. False if it does not fit.
bool AddInMemory(BuildState* state, const void* vector, ItemPointer tid) {
  if (state->backend->memory_used() + MemoryBeside(state) > BuildMemoryLimit()) return false;
  const ElementId equal = state->equal->Find(vector);
  if (equal != kNoId) {
    state->loader->AddTid(equal, tid);
    return true;
  }
  state->index->space.Encode(vector, state->code);
  const ElementId id = state->backend->size();
  if (!state->backend->Add(state->code)) return false;
  state->loader->AddElement(state->code, vector, tid);
  state->equal->Remember(id);
  return true;
}

void AddVector(BuildState* state, const void* vector, ItemPointer tid) {
  if (state->backend) {
    if (AddInMemory(state, vector, tid)) return;
    GoOnOnPages(state);
    if (state->gave_up) return;
  }
  InsertOnPages(*state->index, vector, tid);
}

// The table scan's callback.
void AddRow(Relation, ItemPointer tid, Datum* values, bool* nulls, bool, void* arg) {
  BuildState* state = static_cast<BuildState*>(arg);
  CHECK_FOR_INTERRUPTS();
  if (nulls[0] || state->gave_up) return;
  MemoryContext old = MemoryContextSwitchTo(state->row_context);
  const void* vector = TakeRow(state->index->space, values[0]);
  if (vector) {
    AddVector(state, vector, tid);
    CountRow(state);
  }
  MemoryContextSwitchTo(old);
  MemoryContextReset(state->row_context);
}

int64 ExpectedRows(Relation heap) {
  BlockNumber pages;
  double tuples, all_visible;
  estimate_rel_size(heap, nullptr, &pages, &tuples, &all_visible);
  return static_cast<int64>(tuples);
}

// Creates the metapage in an empty fork, without WAL.
Buffer CreateMetaPage(Relation rel, ForkNumber fork, const IndexParameters& parameters) {
  Buffer buffer = ReadBufferExtended(rel, fork, P_NEW, RBM_NORMAL, nullptr);
  LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
  InitMetaPage(BufferGetPage(buffer), parameters);
  MarkBufferDirty(buffer);
  return buffer;
}

double BuildFrom(Relation heap, Relation rel, IndexInfo* info, BuildState* state) {
  double tuples = 0;
  PG_ENSURE_ERROR_CLEANUP(StopBuild, PointerGetDatum(state));
  {
    state->backend = LinkHere(state->index, state->expected, kBytesBeside);
    EnterPhase(kPhaseLoad);
    tuples = table_index_build_scan(heap, rel, info, true, true, AddRow, state, nullptr);
    if (state->backend) WriteGraph(state);
  }
  PG_END_ENSURE_ERROR_CLEANUP(StopBuild, PointerGetDatum(state));
  return tuples;
}

// The metapage, and the book that it names.
HnswIndex CreateFile(Relation rel, const IndexParameters& parameters, const float* centre) {
  UnlockReleaseBuffer(CreateMetaPage(rel, MAIN_FORKNUM, parameters));
  if (parameters.book > kOriginBook) {
    const HnswIndex index = {ShapeOf(parameters), rel, Meta{}};
    WriteCentre(index, WriteMode::kBuilding, parameters.book, centre);
  }
  return OpenIndex(rel);
}

// Builds the whole index. False if codes do not do for it; the file is to be emptied then.
bool Build(Relation heap, Relation rel, IndexInfo* info, const IndexParameters& parameters,
           const float* centre, IndexBuildResult* result) {
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg build", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  const HnswIndex index = CreateFile(rel, parameters, centre);
  Loader loader(&index);
  EqualVectors equal(&index);
  BuildState state{};
  state.index = &index;
  state.loader = &loader;
  state.equal = &equal;
  state.row_context =
      AllocSetContextCreate(context, "hnswpg build, one row", ALLOCSET_DEFAULT_SIZES);
  state.code = static_cast<char*>(palloc(index.space.code_bytes()));
  state.may_give_up = parameters.automatic && parameters.quantization != Quantization::kNone;
  state.expected = ExpectedRows(heap);
  pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, state.expected);

  result->heap_tuples = BuildFrom(heap, rel, info, &state);
  result->index_tuples = state.rows;
  pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, static_cast<int64>(state.rows));
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
  return !state.gave_up;
}

}  // namespace

IndexBuildResult* hnswbuild(Relation heap, Relation rel, IndexInfo* info) {
  if (RelationGetNumberOfBlocks(rel) != 0) {
    elog(ERROR, "index \"%s\" already contains data", RelationGetRelationName(rel));
  }
  IndexParameters parameters = ParametersOf(rel);
  float* centre = static_cast<float*>(palloc0(parameters.dim * sizeof(float)));
  ChooseCodes(heap, rel, info, &parameters, centre);
  IndexBuildResult* result = static_cast<IndexBuildResult*>(palloc0(sizeof(IndexBuildResult)));
  if (!Build(heap, rel, info, parameters, centre, result)) {
    RelationTruncate(rel, 0);
    parameters.quantization = Quantization::kNone;
    parameters.book = kNoBook;
    Build(heap, rel, info, parameters, centre, result);
  }
  pfree(centre);
  if (RelationNeedsWAL(rel)) {
    log_newpage_range(rel, MAIN_FORKNUM, 0, RelationGetNumberOfBlocks(rel), true);
  }
  return result;
}

// An unlogged index starts from this fork after a crash.
void hnswbuildempty(Relation rel) {
  Buffer buffer = CreateMetaPage(rel, INIT_FORKNUM, ParametersOf(rel));
  START_CRIT_SECTION();
  log_newpage_buffer(buffer, true);
  END_CRIT_SECTION();
  UnlockReleaseBuffer(buffer);
}

char* hnswbuildphasename(int64 phase) {
  switch (phase) {
    case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
      return const_cast<char*>("initializing");
    case kPhaseLoad:
      return const_cast<char*>("scanning table and linking");
    case kPhaseLink:
      return const_cast<char*>("linking what is left");
    case kPhaseWrite:
      return const_cast<char*>("writing graph");
    case kPhaseInsert:
      return const_cast<char*>("scanning table and inserting on pages");
    default:
      return nullptr;
  }
}

}  // namespace hnswpg
