// Distances between two values, and the functions behind the operators <->,
// <#>, <=> and <+>.
//
// Sums are kept in float by the kernels, as pgvector keeps them; what overflows
// becomes infinity, not an error. Two values of different dimensions are an
// error everywhere.
#ifndef TYPE_COMMON_DISTANCE_H_
#define TYPE_COMMON_DISTANCE_H_

#include "hnswpg/type/common/dense.h"

#include <cmath>
#include <numbers>

#include "hnswpg/core/kernels/kernels.h"

namespace hnswpg {

// The first two arguments, detoasted and of equal dimensions.
template <class E>
struct Pair {
  explicit Pair(FunctionCallInfo fcinfo) : a(GetArg<E>(fcinfo, 0)), b(GetArg<E>(fcinfo, 1)) {
    CheckSameDim(a, b);
  }
  size_t dim() const { return static_cast<size_t>(a->dim); }
  const Dense<E>* a;
  const Dense<E>* b;
};

// The kernels for the elements.
template <class E>
using SumKernel = float (*Kernels::*)(const E*, const E*, size_t);
inline constexpr SumKernel<float> L2Squared(const float*) { return &Kernels::l2_squared; }
inline constexpr SumKernel<Half> L2Squared(const Half*) { return &Kernels::l2_squared_f16; }
inline constexpr SumKernel<float> Dot(const float*) { return &Kernels::dot; }
inline constexpr SumKernel<Half> Dot(const Half*) { return &Kernels::dot_f16; }
inline constexpr SumKernel<float> L1(const float*) { return &Kernels::l1; }
inline constexpr SumKernel<Half> L1(const Half*) { return &Kernels::l1_f16; }
inline constexpr auto CosineParts(const float*) { return &Kernels::cosine_parts; }
inline constexpr auto CosineParts(const Half*) { return &Kernels::cosine_parts_f16; }

template <class E>
double Apply(SumKernel<E> kernel, FunctionCallInfo fcinfo) {
  const Pair<E> pair(fcinfo);
  return (GetKernels().*kernel)(pair.a->x, pair.b->x, pair.dim());
}

template <class E>
constexpr const E* kElement = nullptr;  // chooses an overload

// NaN stays NaN: it fails both comparisons.
inline double Clamp(double similarity) {
  if (similarity > 1.0) return 1.0;
  if (similarity < -1.0) return -1.0;
  return similarity;
}

template <class E>
Datum L2Distance(FunctionCallInfo fcinfo) {
  PG_RETURN_FLOAT8(std::sqrt(Apply<E>(L2Squared(kElement<E>), fcinfo)));
}

template <class E>
Datum L2SquaredDistance(FunctionCallInfo fcinfo) {
  PG_RETURN_FLOAT8(Apply<E>(L2Squared(kElement<E>), fcinfo));
}

template <class E>
Datum InnerProduct(FunctionCallInfo fcinfo) {
  PG_RETURN_FLOAT8(Apply<E>(Dot(kElement<E>), fcinfo));
}

template <class E>
Datum NegativeInnerProduct(FunctionCallInfo fcinfo) {
  PG_RETURN_FLOAT8(-Apply<E>(Dot(kElement<E>), fcinfo));
}

template <class E>
Datum L1Distance(FunctionCallInfo fcinfo) {
  PG_RETURN_FLOAT8(Apply<E>(L1(kElement<E>), fcinfo));
}

// Between 0 and 2. NaN where one of the values is zero, which has no direction.
template <class E>
Datum CosineDistance(FunctionCallInfo fcinfo) {
  const Pair<E> pair(fcinfo);
  float dot, a2, b2;
  (GetKernels().*CosineParts(kElement<E>))(pair.a->x, pair.b->x, pair.dim(), &dot, &a2, &b2);
  // One root of the product loses less than the product of two roots.
  const double norms = std::sqrt(static_cast<double>(a2) * static_cast<double>(b2));
  PG_RETURN_FLOAT8(1.0 - Clamp(dot / norms));
}

// The angle between two values of length 1 (which is not checked), as a share
// of half a turn: between 0 and 1.
template <class E>
Datum SphericalDistance(FunctionCallInfo fcinfo) {
  PG_RETURN_FLOAT8(std::acos(Clamp(Apply<E>(Dot(kElement<E>), fcinfo))) / std::numbers::pi);
}

}  // namespace hnswpg

#endif  // TYPE_COMMON_DISTANCE_H_
