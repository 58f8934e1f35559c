// Vectors of floats, walked as they are (Quantization kNone).
//
// The payload is the vector. Distances are float dot products, with scale 1, or 1 / |v| for
// cosine, and no offset; except L2 and L1, which are summed directly.
//
// Ranges: L2 and inner product overflow to infinity where their true value does
// not fit a float, as the SQL operators do. The dot product of cosine is summed in float,
// which overflows for vectors longer than 1e18 or so and vanishes for those shorter than
// 1e-18: such vectors are infinitely far from each other, or at no meaningful distance.
#include <algorithm>

#include "core/space/space_ops.h"

namespace hnswpg {

size_t Float32VectorBytes(uint32_t dim) { return dim * sizeof(float); }

double InverseLength(const float* vector, size_t dim) {
  const double length2 =
      SumTerms(dim, [vector](size_t i) { return double{vector[i]} * vector[i]; });
  return length2 > 0 ? 1 / std::sqrt(length2) : 0;
}

uint32_t FirstNotFiniteFloat(const CodeSpace& space, const void* vector) {
  const float* x = static_cast<const float*>(vector);
  const float* end = x + space.dim();
  return std::find_if(x, end, [](float value) { return !std::isfinite(value); }) - x;
}

bool HasAnyDistance(const CodeSpace&, const void*) { return true; }

bool IsNotZero(const CodeSpace& space, const void* vector) {
  const float* x = static_cast<const float*>(vector);
  return std::any_of(x, x + space.dim(), [](float value) { return value != 0.0f; });
}

namespace {

const float* Floats(const void* vector) { return static_cast<const float*>(vector); }

// What SQL's cosine_distance returns, by the same steps in the same order.
double CosineDistance(float dot, float a2, float b2) {
  const double similarity =
      static_cast<double>(dot) / std::sqrt(static_cast<double>(a2) * static_cast<double>(b2));
  if (similarity > 1) return 0;
  if (similarity < -1) return 2;
  return 1 - similarity;
}

template <Metric metric>
float Unchecked(const Kernels& kernels, const float* a, const float* b, size_t dim) {
  if constexpr (metric == Metric::kL2) return kernels.l2_squared(a, b, dim);
  if constexpr (metric == Metric::kInnerProduct) return -kernels.dot(a, b, dim);
  if constexpr (metric == Metric::kL1) return kernels.l1(a, b, dim);
  if constexpr (metric == Metric::kCosine) {
    float dot, a2, b2;
    kernels.cosine_parts(a, b, dim, &dot, &a2, &b2);
    return static_cast<float>(CosineDistance(dot, a2, b2));
  }
}

Footprint PlainFootprint(uint32_t dim) {
  return {static_cast<uint32_t>(Float32VectorBytes(dim)), 0, 0};
}

template <Metric metric>
void Encode(const CodeSpace& space, const void* vector, void* code) {
  const double scale = metric == Metric::kCosine ? InverseLength(Floats(vector), space.dim()) : 1;
  const CodeHeader header{static_cast<float>(scale), 0};
  memcpy(code, &header, sizeof header);
  memcpy(static_cast<char*>(code) + sizeof header, vector, space.vector_bytes());
}

template <Metric metric>
CodeSum Sum(const Kernels& kernels, const void* a, const void* b, size_t n) {
  if constexpr (metric == Metric::kL2) return {0, kernels.l2_squared(Floats(a), Floats(b), n)};
  if constexpr (metric == Metric::kL1) return {0, kernels.l1(Floats(a), Floats(b), n)};
  return {0, kernels.dot(Floats(a), Floats(b), n)};
}

template <Metric metric>
float Finish(CodeHeader a, CodeHeader b, CodeSum sum) {
  if constexpr (metric == Metric::kL2 || metric == Metric::kL1) return InfinityIfNaN(sum.f32);
  const float product = a.scale * b.scale * sum.f32;
  return InfinityIfNaN(metric == Metric::kCosine ? 1 - product : -product);
}

template <Metric metric>
float Distance(const CodeSpace& space, const void* a, const void* b) {
  const CodeSum sum = Sum<metric>(space.kernels(), PayloadOf(a), PayloadOf(b), space.dim());
  return Finish<metric>(HeaderOf(a), HeaderOf(b), sum);
}

template <Metric metric>
void Distances(const QueryCode& query, const char* const* codes, size_t n, float* out) {
  for (size_t i = 0; i < n; i++) out[i] = Distance<metric>(query.space(), query.code(), codes[i]);
}

double NoError(const CodeSpace&, const void*, const void*, float) { return 0; }

template <Metric metric>
constexpr SpaceOps Row() {
  return {{Representation::kFloat32, metric, Quantization::kNone},
          sizeof(float),
          Float32VectorBytes,
          PlainFootprint,
          metric == Metric::kCosine ? IsNotZero : HasAnyDistance,
          FirstNotFiniteFloat,
          Encode<metric>,
          Sum<metric>,
          Finish<metric>,
          Distance<metric>,
          nullptr,
          Distances<metric>,
          NoError,
          Float32Distance<metric>};
}

constexpr SpaceOps kRows[] = {Row<Metric::kL2>(), Row<Metric::kInnerProduct>(),
                              Row<Metric::kCosine>(), Row<Metric::kL1>()};

}  // namespace

template <Metric metric>
float Float32Distance(const CodeSpace& space, const void* a, const void* b) {
  return InfinityIfNaN(Unchecked<metric>(space.kernels(), Floats(a), Floats(b), space.dim()));
}

template float Float32Distance<Metric::kL2>(const CodeSpace&, const void*, const void*);
template float Float32Distance<Metric::kInnerProduct>(const CodeSpace&, const void*, const void*);
template float Float32Distance<Metric::kCosine>(const CodeSpace&, const void*, const void*);

constinit const std::span<const SpaceOps> kFloat32Spaces = kRows;

}  // namespace hnswpg
