// Vectors walked as they are (Quantization kNone), of floats or half floats.
//
// The payload is the vector. Distances are float dot products, with scale 1, or 1 / |v| for
// cosine, and no offset; except L2 and L1, which are summed directly.
//
// Ranges: L2 and inner product overflow to infinity where their true value does
// not fit a float, as the SQL operators do. The dot product of cosine is summed in float,
// which overflows for vectors longer than 1e18 or so and vanishes for those shorter than
// 1e-18: such vectors are infinitely far from each other, or at no meaningful distance. (Half
// floats meet none of that.)
#ifndef HNSWPG_CORE_SPACE_PLAIN_H_
#define HNSWPG_CORE_SPACE_PLAIN_H_

#include "core/space/elements.h"
#include "core/space/space_ops.h"

namespace hnswpg {

// What SQL's cosine_distance returns, by the same steps in the same order.
inline double CosineDistance(float dot, float a2, float b2) {
  const double similarity =
      static_cast<double>(dot) / std::sqrt(static_cast<double>(a2) * static_cast<double>(b2));
  if (similarity > 1) return 0;
  if (similarity < -1) return 2;
  return 1 - similarity;
}

template <class E, Metric metric>
float Unchecked(const Kernels& kernels, const E* a, const E* b, size_t dim) {
  const ElementKernels<E> k(kernels);
  if constexpr (metric == Metric::kL2) return k.l2_squared(a, b, dim);
  if constexpr (metric == Metric::kInnerProduct) return -k.dot(a, b, dim);
  if constexpr (metric == Metric::kL1) return k.l1(a, b, dim);
  if constexpr (metric == Metric::kCosine) {
    float dot, a2, b2;
    k.cosine_parts(a, b, dim, &dot, &a2, &b2);
    return static_cast<float>(CosineDistance(dot, a2, b2));
  }
}

template <class E>
size_t VectorBytes(uint32_t dim) {
  return dim * sizeof(E);
}

template <class E>
Footprint PlainFootprint(uint32_t dim) {
  return {static_cast<uint32_t>(VectorBytes<E>(dim)), 0, 0};
}

template <class E, Metric metric>
void PlainEncode(const CodeSpace& space, const void* vector, void* code) {
  double scale = 1;
  if constexpr (metric == Metric::kCosine) {
    WideBuffer wide;
    scale = InverseLength(WidenTo(space, Elements<E>(vector), &wide), space.dim());
  }
  const CodeHeader header{static_cast<float>(scale), 0};
  memcpy(code, &header, sizeof header);
  memcpy(static_cast<char*>(code) + sizeof header, vector, space.vector_bytes());
}

template <class E, Metric metric>
CodeSum PlainSum(const Kernels& kernels, const void* a, const void* b, size_t n) {
  const ElementKernels<E> k(kernels);
  const E* x = Elements<E>(a);
  const E* y = Elements<E>(b);
  if constexpr (metric == Metric::kL2) return {0, k.l2_squared(x, y, n)};
  if constexpr (metric == Metric::kL1) return {0, k.l1(x, y, n)};
  return {0, k.dot(x, y, n)};
}

template <Metric metric>
float PlainFinish(CodeHeader a, CodeHeader b, CodeSum sum) {
  if constexpr (metric == Metric::kL2 || metric == Metric::kL1) return InfinityIfNaN(sum.f32);
  const float product = a.scale * b.scale * sum.f32;
  return InfinityIfNaN(metric == Metric::kCosine ? 1 - product : -product);
}

template <class E, Metric metric>
float PlainDistance(const CodeSpace& space, const void* a, const void* b) {
  const CodeSum sum = PlainSum<E, metric>(space.kernels(), PayloadOf(a), PayloadOf(b), space.dim());
  return PlainFinish<metric>(HeaderOf(a), HeaderOf(b), sum);
}

template <class E, Metric metric>
void PlainDistances(const QueryCode& query, const char* const* codes, size_t n, float* out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = PlainDistance<E, metric>(query.space(), query.code(), codes[i]);
  }
}

inline double NoError(const CodeSpace&, const void*, const void*, float) { return 0; }

template <class E, Metric metric>
float ExactDistance(const CodeSpace& space, const void* a, const void* b) {
  return InfinityIfNaN(
      Unchecked<E, metric>(space.kernels(), Elements<E>(a), Elements<E>(b), space.dim()));
}

template <class E, Metric metric>
constexpr SpaceOps PlainRow() {
  return {{RepresentationOf(static_cast<const E*>(nullptr)), metric, Quantization::kNone},
          sizeof(E),
          VectorBytes<E>,
          PlainFootprint<E>,
          metric == Metric::kCosine ? IsNotZero<E> : HasAnyDistance,
          FirstNotFinite<E>,
          ToFloats<E>,
          PlainEncode<E, metric>,
          PlainSum<E, metric>,
          PlainFinish<metric>,
          PlainDistance<E, metric>,
          nullptr,
          PlainDistances<E, metric>,
          NoError,
          ExactDistance<E, metric>};
}

}  // namespace hnswpg

#endif  // HNSWPG_CORE_SPACE_PLAIN_H_
