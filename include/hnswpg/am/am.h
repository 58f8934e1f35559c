// What the access method's callbacks share: options, settings, and what an index
// is about. One callback, one file (src/am/).
#ifndef HNSWPG_AM_AM_H_
#define HNSWPG_AM_AM_H_

#include "hnswpg/storage/page/index.h"

extern "C" {
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
}

namespace hnswpg {

// ---- CREATE INDEX ... WITH (...) (options.cpp) ----

inline constexpr int kDefaultM = 16;
inline constexpr int kDefaultEfConstruction = 64;
inline constexpr int kMinEfConstruction = 4;
inline constexpr int kMaxEfConstruction = 1000;

// Tells the server of the options; once a process.
void DefineOptions();

// Has ALTER INDEX ... SET say where the graph stays as it is until REINDEX, and refuses an
// index on a column without dimensions as soon as it is in the catalogs. Once a process.
void InstallCatalogHook();

// Whether the index is WITH (sync = immediate).
bool LinksAtOnce(Relation index);

// ---- SET hnsw.... (settings.cpp) ----

extern int ef_search;
extern int iterative_scan;  // a FurtherRounds (hnswpg/storage/search/options.h)
extern int max_scan_tuples;
extern double scan_mem_multiplier;  // of work_mem
extern int pending_limit;
extern bool startup_sync;
extern double cleanup_threshold;

// Defines those that only this module has. Once a process.
void DefineSettings();

// Sees to it that those that pgvector has too, which are those of scans, are defined in
// this process or, where they cannot be, have their values. Called by whoever is about
// to read them, and as soon as this process uses the access method. Raises an error if
// another library has defined them.
void PrepareScanSettings();

// ---- whose access methods the database has (ours.cpp) ----

// Whether the function that an access method names as its handler is this module's. Looks at
// the catalogs and loads nothing.
bool IsOurHandler(Oid handler);
// Whether the access method hnsw of this database is.
bool DatabaseHasOurs();

// ---- plans (plan.cpp) ----

// Keeps plans that read an index in its order from computing the distance once more.
// Once a process.
void InstallPlanHook();

// ---- what an index is about (opclass.cpp) ----

// The operator class's first support function; returns an OpclassSupport.
inline constexpr int kSupportProc = 1;
inline constexpr int kSupportProcs = 1;
// The ordering operator's strategy.
inline constexpr int kDistanceStrategy = 1;

struct OpclassSupport {
  Representation representation;
  Metric metric;
};
const OpclassSupport* SupportOf(Relation index);

// Options, operator class and column together; raises an error for what cannot
// be indexed so.
IndexParameters ParametersOf(Relation index);

// ---- from a value of SQL to a vector (take_vector.cpp) ----
// The one way in for everything: what is inserted, built from, checked and searched for. The
// bytes are the value's own, or a copy in the current memory context where it was toasted.
// Each raises an error for a value that is damaged.

// A row's vector. Null if it is not to be indexed, since it has no distances (CodeSpace).
// Raises an error for other dimensions than the index's.
const void* TakeRow(const CodeSpace& space, Datum value);

// What a search is for. Null if nothing is near it. For other dimensions it raises the error
// that the distance operator would.
const void* TakeQuery(const CodeSpace& space, Datum value);

// Of whatever dimensions.
struct TakenVector {
  const void* bytes;  // null as with TakeRow
  size_t size;
};
TakenVector TakeAny(Representation representation, Metric metric, Datum value);

// ---- callbacks ----

IndexBuildResult* hnswbuild(Relation heap, Relation index, IndexInfo* info);
void hnswbuildempty(Relation index);
char* hnswbuildphasename(int64 phase);
bool hnswinsert(Relation index, Datum* values, bool* nulls, ItemPointer tid, Relation heap,
                IndexUniqueCheck check, bool unchanged, IndexInfo* info);
IndexBulkDeleteResult* hnswbulkdelete(IndexVacuumInfo* info, IndexBulkDeleteResult* stats,
                                      IndexBulkDeleteCallback callback, void* state);
IndexBulkDeleteResult* hnswvacuumcleanup(IndexVacuumInfo* info, IndexBulkDeleteResult* stats);
void hnswcostestimate(PlannerInfo* root, IndexPath* path, double loop_count, Cost* startup,
                      Cost* total, Selectivity* selectivity, double* correlation, double* pages);
bytea* hnswoptions(Datum options, bool validate);
bytea* ivfflatoptions(Datum options, bool validate);
bool hnswvalidate(Oid opclass);
IndexScanDesc hnswbeginscan(Relation index, int nkeys, int norderbys);
void hnswrescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys);
bool hnswgettuple(IndexScanDesc scan, ScanDirection direction);
void hnswendscan(IndexScanDesc scan);

}  // namespace hnswpg

#endif  // HNSWPG_AM_AM_H_
