// Encoding of vectors and the distances between codes.
//
// Invariants: a code depends on its vector alone, not on the instruction set in
// use (no kernel takes part in Encode), so that a code can be checked against
// its vector on another machine. No distance is NaN. The distance of two codes is the
// same float whichever function computes it.
//
// Ranges: L2 and inner product overflow to infinity where their true value does
// not fit a float, as the SQL operators do. int8 codes of cosine are good for
// every finite vector that is not zero. Without quantization the dot product of
// cosine is summed in float, which overflows for vectors longer than 1e18 or so
// and vanishes for those shorter than 1e-18: such vectors are infinitely far from
// each other, or at no meaningful distance.
//
// Takes no locks, allocates nothing, raises nothing.
#include "hnswpg/core/code.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace hnswpg {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr double kMaxCode = 127.0;

float InfinityIfNaN(float distance) {
  if (std::isnan(distance)) [[unlikely]]
    return kInfinity;
  return distance;
}

const uint8_t* Payload(const void* code) {
  return static_cast<const uint8_t*>(code) + sizeof(CodeHeader);
}

CodeHeader Header(const void* code) {
  CodeHeader header;
  memcpy(&header, code, sizeof header);
  return header;
}

// A product as a float. Where the compiler may compute it and the addition behind it
// in one instruction, without rounding between, it would do so in one copy of this
// code and not in another.
inline float Rounded(float product) {
#if defined(__aarch64__)
  asm("" : "+w"(product));
#elif defined(__FMA__)
  asm("" : "+x"(product));
#elif defined(__FP_FAST_FMAF)
  asm("" : "+m"(product));
#endif
  return product;
}

struct Measure {
  float max = 0;     // the largest |value|
  double norm2 = 0;  // |v|^2, which in double does not overflow
};

// One pass over the vector. Four lanes, so that the additions do not wait for
// each other; always in this order, so that the sum is the same everywhere.
Measure MeasureVector(const float* vector, size_t dim) {
  float max[4] = {};
  double norm2[4] = {};
  const auto take = [&](size_t i, size_t lane) {
    const double value = vector[i];
    max[lane] = std::max(max[lane], std::fabs(vector[i]));
    norm2[lane] += value * value;
  };
  size_t i = 0;
  for (; i + 4 <= dim; i += 4) {
    take(i, 0);
    take(i + 1, 1);
    take(i + 2, 2);
    take(i + 3, 3);
  }
  for (; i < dim; i++) take(i, 0);
  return {std::max(std::max(max[0], max[1]), std::max(max[2], max[3])),
          (norm2[0] + norm2[1]) + (norm2[2] + norm2[3])};
}

// What one unit of the payload is worth: `unit` in the vector's own measure, or
// for cosine in the measure of v / |v|.
float Scale(Metric metric, double unit, double norm2) {
  if (metric != Metric::kCosine) return static_cast<float>(unit);
  return norm2 > 0 ? static_cast<float>(unit / std::sqrt(norm2)) : 0.0f;
}

// Writes round(v * 127 / max). In double: max may be so small that 127 / max is
// no float.
void WritePayload(const float* vector, size_t dim, float max, int8_t* payload) {
  const double factor = max > 0 ? kMaxCode / static_cast<double>(max) : 0.0;
  for (size_t i = 0; i < dim; i++) {
    payload[i] = static_cast<int8_t>(std::lrint(vector[i] * factor));
  }
}

// What SQL's cosine_distance returns, by the same steps in the same order.
double CosineDistance(float dot, float a2, float b2) {
  const double similarity =
      static_cast<double>(dot) / std::sqrt(static_cast<double>(a2) * static_cast<double>(b2));
  if (similarity > 1) return 0;
  if (similarity < -1) return 2;
  return 1 - similarity;
}

// The sum over n items of two payloads.
inline CodeSum SumItems(const Kernels& kernels, Metric metric, Quantization quantization,
                        const void* a, const void* b, size_t n) {
  if (quantization == Quantization::kInt8) {
    return {kernels.dot_i8(static_cast<const int8_t*>(a), static_cast<const int8_t*>(b), n), 0.0f};
  }
  const float* fa = static_cast<const float*>(a);
  const float* fb = static_cast<const float*>(b);
  switch (metric) {
    case Metric::kL2:
      return {0, kernels.l2_squared(fa, fb, n)};
    case Metric::kL1:
      return {0, kernels.l1(fa, fb, n)};
    case Metric::kInnerProduct:
    case Metric::kCosine:
      break;
  }
  return {0, kernels.dot(fa, fb, n)};
}

// The distance that a whole sum means.
[[gnu::always_inline]] inline float DistanceOf(Metric metric, Quantization quantization,
                                               CodeHeader a, CodeHeader b, CodeSum sum) {
  const bool int8 = quantization == Quantization::kInt8;
  const float dot = int8 ? static_cast<float>(sum.i8) : sum.f32;
  const float product = Rounded(Rounded(a.scale * b.scale) * dot);
  switch (metric) {
    case Metric::kL2:
      return InfinityIfNaN(int8 ? a.norm2 + b.norm2 - Rounded(2 * product) : sum.f32);
    case Metric::kCosine:
      return InfinityIfNaN(1 - product);
    case Metric::kL1:
      return InfinityIfNaN(sum.f32);
    case Metric::kInnerProduct:
      break;
  }
  return InfinityIfNaN(-product);
}

// DistanceOf for n codes, with the metric known to the compiler.
template <Metric kMetric>
void DistancesOf(CodeHeader query, const char* const* codes, const int32_t* dots, size_t n,
                 float* out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = DistanceOf(kMetric, Quantization::kInt8, query, Header(codes[i]), {dots[i], 0.0f});
  }
}

// The sum of n values, by a kernel, as it is needed for each search.
int32_t SumI8(const Kernels& kernels, const int8_t* values, size_t n) {
  constexpr size_t kPiece = 256;
  static constexpr auto kOnes = [] {
    std::array<int8_t, kPiece> ones{};
    for (int8_t& one : ones) one = 1;
    return ones;
  }();
  int32_t sum = 0;
  for (size_t i = 0; i < n; i += kPiece) {
    sum += kernels.dot_i8(values + i, kOnes.data(), std::min(kPiece, n - i));
  }
  return sum;
}

}  // namespace

CodeSpace::CodeSpace(Metric metric, Quantization quantization, uint32_t dim) noexcept
    : metric_(metric),
      // No dot product gives L1.
      quantization_(metric == Metric::kL1 ? Quantization::kNone : quantization),
      dim_(dim),
      kernels_(&GetKernels()) {}

void CodeSpace::Encode(const float* vector, void* code) const noexcept {
  const Measure measure = MeasureVector(vector, dim_);
  uint8_t* payload = static_cast<uint8_t*>(code) + sizeof(CodeHeader);
  double unit = 1;
  if (quantization_ == Quantization::kInt8) {
    unit = static_cast<double>(measure.max) / kMaxCode;
    WritePayload(vector, dim_, measure.max, reinterpret_cast<int8_t*>(payload));
  } else {
    memcpy(payload, vector, payload_bytes());
  }
  const CodeHeader header = {Scale(metric_, unit, measure.norm2),
                             static_cast<float>(measure.norm2)};
  memcpy(code, &header, sizeof header);
}

float CodeSpace::Distance(const void* a, const void* b) const noexcept {
  const CodeSum sum = SumItems(*kernels_, metric_, quantization_, Payload(a), Payload(b), dim_);
  return DistanceOf(metric_, quantization_, Header(a), Header(b), sum);
}

void CodeSpace::Accumulate(const void* a, const void* b, size_t bytes,
                           CodeSum* sum) const noexcept {
  const CodeSum part = SumItems(*kernels_, metric_, quantization_, a, b, bytes / item_bytes());
  sum->i8 += part.i8;
  sum->f32 += part.f32;
}

float CodeSpace::Finish(CodeHeader a, CodeHeader b, CodeSum sum) const noexcept {
  return DistanceOf(metric_, quantization_, a, b, sum);
}

float CodeSpace::ExactDistance(const float* a, const float* b) const noexcept {
  float distance = kInfinity;
  switch (metric_) {
    case Metric::kL2:
      distance = kernels_->l2_squared(a, b, dim_);
      break;
    case Metric::kInnerProduct:
      distance = -kernels_->dot(a, b, dim_);
      break;
    case Metric::kCosine: {
      float dot, a2, b2;
      kernels_->cosine_parts(a, b, dim_, &dot, &a2, &b2);
      distance = static_cast<float>(CosineDistance(dot, a2, b2));
      break;
    }
    case Metric::kL1:
      distance = kernels_->l1(a, b, dim_);
      break;
  }
  return InfinityIfNaN(distance);
}

QueryCode::QueryCode(const CodeSpace* space, const void* code) noexcept
    : space_(space), code_(code), int8_{} {
  if (space->quantization_ != Quantization::kInt8) return;
  const int8_t* payload = reinterpret_cast<const int8_t*>(Payload(code));
  int8_ = {payload, space->dim_, SumI8(*space->kernels_, payload, space->dim_)};
}

void QueryCode::Distances(const char* const* codes, size_t n, float* out) const noexcept {
  if (space_->quantization_ != Quantization::kInt8) {
    for (size_t i = 0; i < n; i++) out[i] = space_->Distance(code_, codes[i]);
    return;
  }
  for (size_t i = 0; i < n; i += kPiece) {
    DistancesOfPiece(codes + i, std::min(kPiece, n - i), out + i);
  }
}

// The same for int8 codes, at most kPiece of them.
void QueryCode::DistancesOfPiece(const char* const* codes, size_t n, float* out) const noexcept {
  if (n == 0) return;
  const int8_t* payloads[kPiece];
  int32_t dots[kPiece];
  for (size_t i = 0; i < n; i++) payloads[i] = reinterpret_cast<const int8_t*>(Payload(codes[i]));
  space_->kernels_->dots_i8(int8_, payloads, n, dots);
  const CodeHeader query = Header(code_);
  switch (space_->metric_) {
    case Metric::kL2:
      return DistancesOf<Metric::kL2>(query, codes, dots, n, out);
    case Metric::kCosine:
      return DistancesOf<Metric::kCosine>(query, codes, dots, n, out);
    case Metric::kInnerProduct:
    case Metric::kL1:  // is never quantized
      break;
  }
  DistancesOf<Metric::kInnerProduct>(query, codes, dots, n, out);
}

}  // namespace hnswpg
