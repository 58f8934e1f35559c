// The pending elements as they lie on the metapage: runs of consecutive ids.
#ifndef HNSWPG_CORE_FORMAT_PENDING_RUNS_H_
#define HNSWPG_CORE_FORMAT_PENDING_RUNS_H_

#include <cstddef>
#include <cstdint>

#include "hnswpg/core/format/metapage.h"
#include "hnswpg/core/format/page_constants.h"
#include "hnswpg/core/limits.h"

namespace hnswpg {

struct PendingRun {
  ElementId first;
  uint32_t count;  // never 0
};

inline constexpr uint32_t kRunsOffset = kPageHeaderBytes + sizeof(Meta);
inline constexpr uint32_t kMaxPendingRuns = 1000;
static_assert(kRunsOffset + kMaxPendingRuns * sizeof(PendingRun) <= kContentEnd);

}  // namespace hnswpg

#endif  // HNSWPG_CORE_FORMAT_PENDING_RUNS_H_
