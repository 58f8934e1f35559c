// Encoding of vectors and the distances between codes.
//
// Invariants: a code depends on its vector and the centre alone, not on the instruction
// set in use (no kernel takes part in Encode, and products are rounded before they are
// added to), so that a code can be checked against its vector on another machine. No distance is
// NaN. The distance of two codes is the same float whichever function computes it.
//
// Ranges: L2 and inner product overflow to infinity where their true value does
// not fit a float, as the SQL operators do. int8 codes of cosine are good for
// every finite vector that is not zero. Without quantization the dot product of
// cosine is summed in float, which overflows for vectors longer than 1e18 or so
// and vanishes for those shorter than 1e-18: such vectors are infinitely far from
// each other, or at no meaningful distance.
//
// Takes no locks, allocates nothing, raises nothing.
#include "hnswpg/core/space/code.h"

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

// A vector as it is seen from the centre.
class Seen {
 public:
  Seen(const float* vector, const float* centre, double factor)
      : vector_(vector), centre_(centre), factor_(factor) {}
  double operator[](size_t i) const {
    const double value = vector_[i] * factor_;
    return centre_ != nullptr ? value - static_cast<double>(centre_[i]) : value;
  }

 private:
  const float* vector_;
  const float* centre_;
  double factor_;
};

// Four lanes, so that the additions do not wait for each other; always in this order,
// so that the sum is the same everywhere.
template <class Term>
double SumTerms(size_t dim, Term term) {
  double sum[4] = {};
  size_t i = 0;
  for (; i + 4 <= dim; i += 4) {
    for (size_t lane = 0; lane < 4; lane++) sum[lane] += term(i + lane);
  }
  for (; i < dim; i++) sum[0] += term(i);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// |v|^2, which in double does not overflow.
double SquaredLength(const float* vector, size_t dim) {
  return SumTerms(dim, [vector](size_t i) { return double{vector[i]} * vector[i]; });
}

double LargestValue(const Seen& seen, size_t dim) {
  double max[4] = {};
  size_t i = 0;
  for (; i + 4 <= dim; i += 4) {
    for (size_t lane = 0; lane < 4; lane++) {
      max[lane] = std::max(max[lane], std::fabs(seen[i + lane]));
    }
  }
  for (; i < dim; i++) max[0] = std::max(max[0], std::fabs(seen[i]));
  return std::max(std::max(max[0], max[1]), std::max(max[2], max[3]));
}

// Writes round(u * 127 / max) and returns the sum of its squares. In double: max may be
// so small that 127 / max is no float.
int32_t WritePayload(const Seen& seen, size_t dim, double max, int8_t* payload) {
  const double factor = max > 0 ? kMaxCode / max : 0.0;
  int32_t sum = 0;
  for (size_t i = 0; i < dim; i++) {
    const long item = std::lrint(std::clamp(seen[i] * factor, -kMaxCode, kMaxCode));
    payload[i] = static_cast<int8_t>(item);
    sum += static_cast<int32_t>(item * item);
  }
  return sum;
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

// The product grows before it shrinks, so that it vanishes only where it must; and the
// same way round for a and b as for b and a.
[[gnu::always_inline]] inline float DistanceOfInt8(CodeHeader a, CodeHeader b, int32_t dot) {
  const float larger = a.scale > b.scale ? a.scale : b.scale;
  const float smaller = a.scale > b.scale ? b.scale : a.scale;
  return InfinityIfNaN((a.offset + b.offset) - (larger * static_cast<float>(dot)) * smaller);
}

// The distance that a whole sum means.
[[gnu::always_inline]] inline float DistanceOf(Metric metric, Quantization quantization,
                                               CodeHeader a, CodeHeader b, CodeSum sum) {
  if (quantization == Quantization::kInt8) return DistanceOfInt8(a, b, sum.i8);
  switch (metric) {
    case Metric::kL2:
    case Metric::kL1:
      return InfinityIfNaN(sum.f32);
    case Metric::kCosine:
      return InfinityIfNaN(1 - a.scale * b.scale * sum.f32);
    case Metric::kInnerProduct:
      break;
  }
  return InfinityIfNaN(-(a.scale * b.scale * sum.f32));
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

CodeSpace::CodeSpace(Metric metric, Quantization quantization, uint32_t dim,
                     const float* centre) noexcept
    : metric_(metric),
      // No dot product gives L1.
      quantization_(metric == Metric::kL1 ? Quantization::kNone : quantization),
      dim_(dim),
      centre_(quantization_ == Quantization::kInt8 ? centre : nullptr),
      kernels_(&GetKernels()) {}

void CodeSpace::Encode(const float* vector, void* code) const noexcept {
  const double length2 = metric_ == Metric::kCosine ? SquaredLength(vector, dim_) : 1;
  const double factor = length2 > 0 ? 1 / std::sqrt(length2) : 0;
  char* payload = static_cast<char*>(code) + sizeof(CodeHeader);
  CodeHeader header{static_cast<float>(factor), 0};
  if (quantization_ == Quantization::kInt8) {
    header = EncodeInt8(vector, factor, reinterpret_cast<int8_t*>(payload));
  } else {
    memcpy(payload, vector, payload_bytes());
  }
  memcpy(code, &header, sizeof header);
}

CodeHeader CodeSpace::EncodeInt8(const float* vector, double factor,
                                 int8_t* payload) const noexcept {
  const Seen seen(vector, centre_, factor);
  const double max = LargestValue(seen, dim_);
  const double unit = max / kMaxCode;
  const double length2 = unit * unit * WritePayload(seen, dim_, max, payload);
  switch (metric_) {
    case Metric::kL2:
      return {static_cast<float>(std::sqrt(2.0) * unit), static_cast<float>(length2)};
    case Metric::kCosine:
      return {static_cast<float>(unit), static_cast<float>(length2 / 2)};
    case Metric::kInnerProduct:
    case Metric::kL1:  // is never quantized
      break;
  }
  if (centre_ == nullptr) return {static_cast<float>(unit), 0};
  const float* centre = centre_;
  const double along = SumTerms(dim_, [&seen, centre](size_t i) {
    return (seen[i] + double{centre[i]} / 2) * double{centre[i]};
  });
  return {static_cast<float>(unit), static_cast<float>(-along)};
}

// A rounded value is off by as much as a half either way, all errors being alike: a
// variance of unit^2 / 12. Rounding the offsets to floats adds a 2^-24th of each.
double CodeSpace::ErrorVariance(const void* a, const void* b, float distance) const noexcept {
  if (quantization_ != Quantization::kInt8) return 0;
  const CodeHeader header_a = Header(a), header_b = Header(b);
  const double rounding =
      (std::fabs(double{header_a.offset}) + std::fabs(double{header_b.offset})) * 0x1p-23;
  const double squared = metric_ == Metric::kL2 ? 24 : 12;  // scale is sqrt(2) units for L2
  const double of_a = double{header_a.scale} * header_a.scale / squared;
  const double of_b = double{header_b.scale} * header_b.scale / squared;
  const double both = of_a + of_b;
  const double length2 = std::max(0.0, double{distance}) * (metric_ == Metric::kCosine ? 2 : 1);
  double variance = 4 * length2 * both + 2 * dim_ * both * both;
  if (metric_ == Metric::kCosine) variance /= 4;
  if (metric_ == Metric::kInnerProduct) {
    const auto own = [this](const void* code) {
      const int8_t* items = reinterpret_cast<const int8_t*>(Payload(code));
      return static_cast<double>(kernels_->dot_i8(items, items, dim_));
    };
    // |w|^2 = 12 times the variance of one value times the sum of squares.
    variance = 12 * of_a * of_b * (own(a) + own(b)) + dim_ * of_a * of_b;
  }
  return variance + rounding * rounding;
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
  size_t done = 0;
  do {
    payloads[done] = reinterpret_cast<const int8_t*>(Payload(codes[done]));
  } while (++done < n);
  space_->kernels_->dots_i8(int8_, payloads, n, dots);
  const CodeHeader query = Header(code_);
  for (size_t i = 0; i < n; i++) out[i] = DistanceOfInt8(query, Header(codes[i]), dots[i]);
}

}  // namespace hnswpg
