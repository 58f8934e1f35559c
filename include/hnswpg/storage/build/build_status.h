// Graph builders for an index, and what they report as the server's errors.
#ifndef HNSWPG_STORAGE_BUILD_BUILD_STATUS_H_
#define HNSWPG_STORAGE_BUILD_BUILD_STATUS_H_

#include "hnswpg/core/build/graph_builder.h"
#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// Raises ERRCODE_OUT_OF_MEMORY or ERRCODE_INTERNAL_ERROR. `builder` may be null for
// the former.
[[noreturn]] void RaiseBuildError(const GraphBuilder* builder, BuildStatus status);

inline void CheckBuild(const GraphBuilder* builder, BuildStatus status) {
  if (status != BuildStatus::kOk) RaiseBuildError(builder, status);
}

// maintenance_work_mem, in bytes.
size_t BuildMemoryLimit();

// A builder for this index within maintenance_work_mem, with as many threads as there
// may be parallel workers, and this process's own. Of the limit
// so much is left to the caller for each element, until it is sealed and after that. Raises
// ERRCODE_OUT_OF_MEMORY.
GraphBuilder* CreateBuilder(const HnswIndex& index, size_t expected, size_t beside_linking = 0,
                            size_t beside_sealed = 0);

// Links all that was added; seals the graph; numbers its elements anew. Each in steps of
// a few milliseconds, between which every interrupt is answered: a cancel, and what other
// processes ask of all of them (DROP DATABASE waits for the answer).
void DrainBuilder(GraphBuilder* builder);
void SealBuilder(GraphBuilder* builder);
void PackBuilder(GraphBuilder* builder, const ElementLayout& layout);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_BUILD_BUILD_STATUS_H_
