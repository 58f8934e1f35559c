// Vectors of bits, walked as they are.
//
// The payload is the bits, and the header's scale is how many of them are set. Hamming's distance
// is the number of bits that differ. Jaccard's is 1 less the share, of the bits that are set in
// either, that are set in both; where none is, it is 1. Counts are exact as floats.
#include "core/space/space_ops.h"

namespace hnswpg {
namespace {

const uint8_t* Bytes(const void* vector) { return static_cast<const uint8_t*>(vector); }

size_t BitBytes(uint32_t dim) { return (dim + 7) / 8; }

Footprint BitFootprint(uint32_t dim) { return {static_cast<uint32_t>(BitBytes(dim)), 0, 0}; }

bool HasAny(const CodeSpace&, const void*) { return true; }

uint32_t AllFinite(const CodeSpace& space, const void*) { return space.dim(); }

void ToFloats(const CodeSpace& space, const void* vector, float* out) {
  for (uint32_t i = 0; i < space.dim(); i++) {
    out[i] = static_cast<float>(Bytes(vector)[i / 8] >> (7 - i % 8) & 1);
  }
}

float CountSet(const CodeSpace& space, const void* vector) {
  const size_t n = space.vector_bytes();
  return static_cast<float>(space.kernels().common_bits(Bytes(vector), Bytes(vector), n));
}

void Encode(const CodeSpace& space, const void* vector, void* code) {
  const CodeHeader header{CountSet(space, vector), 0};
  memcpy(code, &header, sizeof header);
  memcpy(static_cast<char*>(code) + sizeof header, vector, space.vector_bytes());
}

template <Metric metric>
CodeSum Sum(const Kernels& kernels, const void* a, const void* b, size_t n) {
  const auto count = metric == Metric::kHamming ? kernels.differing_bits : kernels.common_bits;
  return {static_cast<int32_t>(count(Bytes(a), Bytes(b), n)), 0};
}

float Jaccard(float set_a, float set_b, float common) {
  return common == 0 ? 1.0f : 1.0f - common / (set_a + set_b - common);
}

template <Metric metric>
float Finish(CodeHeader a, CodeHeader b, CodeSum sum) {
  const float count = static_cast<float>(sum.i8);
  return metric == Metric::kHamming ? count : Jaccard(a.scale, b.scale, count);
}

template <Metric metric>
float Distance(const CodeSpace& space, const void* a, const void* b) {
  const CodeSum sum =
      Sum<metric>(space.kernels(), PayloadOf(a), PayloadOf(b), space.vector_bytes());
  return Finish<metric>(HeaderOf(a), HeaderOf(b), sum);
}

template <Metric metric>
void Distances(const QueryCode& query, const char* const* codes, size_t n, float* out) {
  for (size_t i = 0; i < n; i++) out[i] = Distance<metric>(query.space(), query.code(), codes[i]);
}

double NoError(const CodeSpace&, const void*, const void*, float) { return 0; }

template <Metric metric>
float ExactDistance(const CodeSpace& space, const void* a, const void* b) {
  const CodeSum sum = Sum<metric>(space.kernels(), a, b, space.vector_bytes());
  if (metric == Metric::kHamming) return Finish<metric>({}, {}, sum);
  return Finish<metric>({CountSet(space, a), 0}, {CountSet(space, b), 0}, sum);
}

template <Metric metric>
constexpr SpaceOps Row() {
  return {{Representation::kBits, metric, Quantization::kNone},
          1,
          BitBytes,
          BitFootprint,
          HasAny,
          AllFinite,
          ToFloats,
          Encode,
          Sum<metric>,
          Finish<metric>,
          Distance<metric>,
          nullptr,
          Distances<metric>,
          NoError,
          ExactDistance<metric>};
}

constexpr SpaceOps kRows[] = {Row<Metric::kHamming>(), Row<Metric::kJaccard>()};

}  // namespace

constinit const std::span<const SpaceOps> kBitSpaces = kRows;

}  // namespace hnswpg
