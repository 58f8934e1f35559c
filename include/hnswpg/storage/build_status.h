// What a graph builder reports, as the server's errors.
#ifndef HNSWPG_STORAGE_BUILD_STATUS_H_
#define HNSWPG_STORAGE_BUILD_STATUS_H_

#include "hnswpg/core/graph_builder.h"
#include "hnswpg/storage/server.h"

namespace hnswpg {

// Raises ERRCODE_OUT_OF_MEMORY or ERRCODE_INTERNAL_ERROR. `builder` may be null for
// the former.
[[noreturn]] void RaiseBuildError(const GraphBuilder* builder, BuildStatus status);

inline void CheckBuild(const GraphBuilder* builder, BuildStatus status) {
  if (status != BuildStatus::kOk) RaiseBuildError(builder, status);
}

// maintenance_work_mem, in bytes.
size_t BuildMemoryLimit();

// Links all that was added, interruptibly.
void DrainBuilder(GraphBuilder* builder);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_BUILD_STATUS_H_
