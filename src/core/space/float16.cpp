// Vectors of half floats, walked as they are.
#include "core/space/plain.h"

namespace hnswpg {
namespace {

constexpr SpaceOps kRows[] = {PlainRow<Half, Metric::kL2>(),
                              PlainRow<Half, Metric::kInnerProduct>(),
                              PlainRow<Half, Metric::kCosine>(), PlainRow<Half, Metric::kL1>()};

}  // namespace

constinit const std::span<const SpaceOps> kFloat16Spaces = kRows;

}  // namespace hnswpg
