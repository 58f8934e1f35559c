// Vectors of floats or half floats, walked by codes of one signed byte a dimension (Quantization
// kInt8).
//
// A vector v is seen from a centre, which the index has learnt (or the origin), and every
// metric has one form of distance, from one int8 dot product:
//
//   distance(a, b) = a.offset + b.offset - a.scale * b.scale * dot(a.payload, b.payload)
//
// With u = v - centre (for cosine u = v / |v| - centre), payload c = round(u / unit),
// unit = max|u| / 127, and w = unit * c, what the code says of u:
//   L2             scale = sqrt(2) * unit, offset = |w|^2:      |w_a - w_b|^2
//   cosine         scale = unit, offset = |w|^2 / 2:            |w_a - w_b|^2 / 2
//   inner product  scale = unit, offset = -(u.centre + |centre|^2 / 2):
//                                                               -(v_a.v_b), but for w instead of u
// The squared length is that of w, not of u: so the error of a distance grows with the
// distance, not with the vectors' lengths, and near vectors are told apart wherever
// they lie.
//
// Invariants: a code depends on its vector and the centre alone, not on the instruction
// set in use (no kernel takes part in encoding, and products are rounded before they are
// added to), so that a code can be checked against its vector on another machine. No distance
// is NaN. The distance of two codes is the same float whichever function computes it.
//
// Codes of cosine are good for every finite vector that is not zero.
#include <algorithm>
#include <array>

#include "core/space/plain.h"

namespace hnswpg {
namespace {

constexpr double kMaxCode = 127.0;

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

// The offset of inner product.
double AlongCentre(const Seen& seen, const float* centre, size_t dim) {
  if (centre == nullptr) return 0;
  return SumTerms(dim, [&seen, centre](size_t i) {
    return (seen[i] + double{centre[i]} / 2) * double{centre[i]};
  });
}

template <Metric metric>
CodeHeader HeaderFor(const CodeSpace& space, const Seen& seen, double unit, double length2) {
  if constexpr (metric == Metric::kL2) {
    return {static_cast<float>(std::sqrt(2.0) * unit), static_cast<float>(length2)};
  } else if constexpr (metric == Metric::kCosine) {
    return {static_cast<float>(unit), static_cast<float>(length2 / 2)};
  } else {
    const double along = AlongCentre(seen, space.centre(), space.dim());
    return {static_cast<float>(unit), static_cast<float>(0 - along)};
  }
}

template <class E>
Footprint Int8Footprint(uint32_t dim) {
  const uint32_t centre = static_cast<uint32_t>(dim * sizeof(float));  // the book
  return {dim, static_cast<uint32_t>(VectorBytes<E>(dim)), centre};
}

template <class E, Metric metric>
void Encode(const CodeSpace& space, const void* vector, void* code) {
  WideBuffer wide;
  const float* values = WidenTo(space, Elements<E>(vector), &wide);
  const double factor = metric == Metric::kCosine ? InverseLength(values, space.dim()) : 1;
  const Seen seen(values, space.centre(), factor);
  int8_t* payload = static_cast<int8_t*>(code) + sizeof(CodeHeader);
  const double max = LargestValue(seen, space.dim());
  const double unit = max / kMaxCode;
  const double length2 = unit * unit * WritePayload(seen, space.dim(), max, payload);
  const CodeHeader header = HeaderFor<metric>(space, seen, unit, length2);
  memcpy(code, &header, sizeof header);
}

CodeSum Sum(const Kernels& kernels, const void* a, const void* b, size_t n) {
  return {kernels.dot_i8(static_cast<const int8_t*>(a), static_cast<const int8_t*>(b), n), 0.0f};
}

// The product grows before it shrinks, so that it vanishes only where it must; and the
// same way round for a and b as for b and a.
[[gnu::always_inline]] inline float DistanceOf(CodeHeader a, CodeHeader b, int32_t dot) {
  const float larger = a.scale > b.scale ? a.scale : b.scale;
  const float smaller = a.scale > b.scale ? b.scale : a.scale;
  return InfinityIfNaN((a.offset + b.offset) - (larger * static_cast<float>(dot)) * smaller);
}

float Finish(CodeHeader a, CodeHeader b, CodeSum sum) { return DistanceOf(a, b, sum.i8); }

float Distance(const CodeSpace& space, const void* a, const void* b) {
  return Finish(HeaderOf(a), HeaderOf(b),
                Sum(space.kernels(), PayloadOf(a), PayloadOf(b), space.dim()));
}

// With the sum of the values, by a kernel, as it is needed for each search.
void Prepare(const CodeSpace& space, const void* code, QueryI8* query) {
  constexpr size_t kPiece = 256;
  static constexpr auto kOnes = [] {
    std::array<int8_t, kPiece> ones{};
    for (int8_t& one : ones) one = 1;
    return ones;
  }();
  const int8_t* values = reinterpret_cast<const int8_t*>(PayloadOf(code));
  *query = {values, space.dim(), 0};
  for (size_t i = 0; i < query->n; i += kPiece) {
    query->sum += space.kernels().dot_i8(values + i, kOnes.data(), std::min(kPiece, query->n - i));
  }
}

constexpr size_t kPiece = 64;

// Of at most kPiece codes.
void DistancesOfPiece(const QueryCode& query, const char* const* codes, size_t n, float* out) {
  if (n == 0) return;
  const int8_t* payloads[kPiece];
  int32_t dots[kPiece];
  size_t done = 0;
  do {
    payloads[done] = reinterpret_cast<const int8_t*>(PayloadOf(codes[done]));
  } while (++done < n);
  query.space().kernels().dots_i8(query.int8(), payloads, n, dots);
  const CodeHeader header = HeaderOf(query.code());
  for (size_t i = 0; i < n; i++) out[i] = DistanceOf(header, HeaderOf(codes[i]), dots[i]);
}

void Distances(const QueryCode& query, const char* const* codes, size_t n, float* out) {
  for (size_t i = 0; i < n; i += kPiece) {
    DistancesOfPiece(query, codes + i, std::min(kPiece, n - i), out + i);
  }
}

// The dot product of a code with itself.
double OwnDot(const CodeSpace& space, const void* code) {
  const int8_t* items = reinterpret_cast<const int8_t*>(PayloadOf(code));
  return space.kernels().dot_i8(items, items, space.dim());
}

// A rounded value is off by as much as a half either way, all errors being alike: a
// variance of unit^2 / 12. Rounding the offsets to floats adds a 2^-24th of each.
template <Metric metric>
double ErrorVariance(const CodeSpace& space, const void* a, const void* b, float distance) {
  const CodeHeader header_a = HeaderOf(a), header_b = HeaderOf(b);
  const double rounding =
      (std::fabs(double{header_a.offset}) + std::fabs(double{header_b.offset})) * 0x1p-23;
  const double squared = metric == Metric::kL2 ? 24 : 12;  // scale is sqrt(2) units for L2
  const double of_a = double{header_a.scale} * header_a.scale / squared;
  const double of_b = double{header_b.scale} * header_b.scale / squared;
  if constexpr (metric == Metric::kInnerProduct) {
    // |w|^2 = 12 times the variance of one value times the sum of squares.
    return 12 * of_a * of_b * (OwnDot(space, a) + OwnDot(space, b)) + space.dim() * of_a * of_b +
           rounding * rounding;
  }
  const double both = of_a + of_b;
  const double length2 = std::max(0.0, double{distance}) * (metric == Metric::kCosine ? 2 : 1);
  const double variance = 4 * length2 * both + 2 * space.dim() * both * both;
  return (metric == Metric::kCosine ? variance / 4 : variance) + rounding * rounding;
}

template <class E, Metric metric>
constexpr SpaceOps Row() {
  return {{RepresentationOf(static_cast<const E*>(nullptr)), metric, Quantization::kInt8},
          1,
          VectorBytes<E>,
          Int8Footprint<E>,
          metric == Metric::kCosine ? IsNotZero<E> : HasAnyDistance,
          FirstNotFinite<E>,
          ToFloats<E>,
          Encode<E, metric>,
          Sum,
          Finish,
          Distance,
          Prepare,
          Distances,
          ErrorVariance<metric>,
          ExactDistance<E, metric>};
}

// No dot product gives L1.
constexpr SpaceOps kRows[] = {
    Row<float, Metric::kL2>(), Row<float, Metric::kInnerProduct>(), Row<float, Metric::kCosine>(),
    Row<Half, Metric::kL2>(),  Row<Half, Metric::kInnerProduct>(),  Row<Half, Metric::kCosine>()};

}  // namespace

constinit const std::span<const SpaceOps> kInt8Spaces = kRows;

}  // namespace hnswpg
