// Vectors of floats, walked as they are.
#include "core/space/plain.h"

namespace hnswpg {

double InverseLength(const float* vector, size_t dim) {
  const double length2 =
      SumTerms(dim, [vector](size_t i) { return double{vector[i]} * vector[i]; });
  return length2 > 0 ? 1 / std::sqrt(length2) : 0;
}

namespace {

constexpr SpaceOps kRows[] = {PlainRow<float, Metric::kL2>(),
                              PlainRow<float, Metric::kInnerProduct>(),
                              PlainRow<float, Metric::kCosine>(), PlainRow<float, Metric::kL1>()};

}  // namespace

constinit const std::span<const SpaceOps> kFloat32Spaces = kRows;

}  // namespace hnswpg
