#include "hnswpg/storage/build/build_status.h"

extern "C" {
#include "miscadmin.h"
}

namespace hnswpg {

void RaiseBuildError(const GraphBuilder* builder, BuildStatus status) {
  if (status == BuildStatus::kFailed) {
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                    errmsg("could not build the hnsw graph: %s", builder->error())));
  }
  ereport(
      ERROR,
      (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
       errdetail("The hnsw graph did not get the memory that maintenance_work_mem allows it.")));
  pg_unreachable();
}

size_t BuildMemoryLimit() { return static_cast<size_t>(maintenance_work_mem) * 1024; }

GraphBuilder* CreateBuilder(const HnswIndex& index, size_t expected, size_t beside_linking,
                            size_t beside_sealed) {
  BuildOptions options;
  options.m = index.parameters.m;
  options.ef_construction = index.parameters.ef_construction;
  options.threads = 1 + max_parallel_maintenance_workers;
  options.memory_limit = BuildMemoryLimit();
  options.bytes_beside_linking = beside_linking;
  options.bytes_beside_sealed = beside_sealed;
  options.expected_elements = expected;
  GraphBuilder* builder = GraphBuilder::Create(index.space, options);
  if (builder == nullptr) RaiseBuildError(nullptr, BuildStatus::kOutOfMemory);
  return builder;
}

void DrainBuilder(GraphBuilder* builder) {
  for (bool done = false; !done;) {
    CHECK_FOR_INTERRUPTS();
    CheckBuild(builder, builder->DrainStep(&done));
  }
}

void SealBuilder(GraphBuilder* builder) {
  for (bool done = false; !done;) {
    CHECK_FOR_INTERRUPTS();
    CheckBuild(builder, builder->SealStep(&done));
  }
}

void PackBuilder(GraphBuilder* builder, const ElementLayout& layout) {
  for (bool done = false; !done;) {
    CHECK_FOR_INTERRUPTS();
    CheckBuild(builder, builder->PackStep(layout, &done));
  }
}

}  // namespace hnswpg
