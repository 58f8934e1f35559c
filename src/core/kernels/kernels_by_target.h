// Every instruction set this build was compiled for, not just the best: what
// the unit tests and the timing program go through. Nothing else needs it.
#ifndef HNSWPG_CORE_KERNELS_KERNELS_BY_TARGET_H_
#define HNSWPG_CORE_KERNELS_KERNELS_BY_TARGET_H_

#include <cstddef>

#include "hnswpg/core/kernels/kernels.h"

namespace hnswpg {

// The kernels of the `rank`-th best instruction set that was compiled and that
// this CPU runs; null past the last one. Rank 0 is what GetKernels() returns.
const Kernels* KernelsByRank(size_t rank) noexcept;

}  // namespace hnswpg

#endif  // HNSWPG_CORE_KERNELS_KERNELS_BY_TARGET_H_
