// What a space can do: one row of the registry (registry.cpp) for each kind of vectors and
// way of measuring them. CodeSpace (hnswpg/core/space/code.h) says what each function
// promises, and is the only caller.
//
// A new representation, metric or quantization is a row, and a file with its functions.
// Nothing outside of this folder changes for it, but for the SQL type that gives it a name.
#ifndef HNSWPG_CORE_SPACE_SPACE_OPS_H_
#define HNSWPG_CORE_SPACE_SPACE_OPS_H_

#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "hnswpg/core/space/code.h"

namespace hnswpg {

struct SpaceOps {
  SpaceKind kind;
  size_t item_bytes;
  size_t (*vector_bytes)(uint32_t dim);
  Footprint (*footprint)(uint32_t dim);
  bool (*has_distances)(const CodeSpace& space, const void* vector);
  uint32_t (*first_not_finite)(const CodeSpace& space, const void* vector);
  void (*to_floats)(const CodeSpace& space, const void* vector, float* out);
  void (*encode)(const CodeSpace& space, const void* vector, void* code);
  // Those of payloads: without their headers. n items of item_bytes.
  CodeSum (*sum)(const Kernels& kernels, const void* a, const void* b, size_t n);
  float (*finish)(CodeHeader a, CodeHeader b, CodeSum sum);
  float (*distance)(const CodeSpace& space, const void* a, const void* b);
  // What a query computes once, for distances(); null: nothing.
  void (*prepare)(const CodeSpace& space, const void* code, QueryI8* int8);
  void (*distances)(const QueryCode& query, const char* const* codes, size_t n, float* out);
  double (*error_variance)(const CodeSpace& space, const void* a, const void* b, float distance);
  float (*exact_distance)(const CodeSpace& space, const void* a, const void* b);
};

// The rows, a file each.
extern const std::span<const SpaceOps> kFloat32Spaces;
extern const std::span<const SpaceOps> kFloat16Spaces;
extern const std::span<const SpaceOps> kInt8Spaces;
extern const std::span<const SpaceOps> kBitSpaces;

// --- What several of them use ---

inline float InfinityIfNaN(float distance) {
  if (std::isnan(distance)) [[unlikely]]
    return std::numeric_limits<float>::infinity();
  return distance;
}

inline const uint8_t* PayloadOf(const void* code) {
  return static_cast<const uint8_t*>(code) + sizeof(CodeHeader);
}

inline CodeHeader HeaderOf(const void* code) {
  CodeHeader header;
  memcpy(&header, code, sizeof header);
  return header;
}

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

}  // namespace hnswpg

#endif  // HNSWPG_CORE_SPACE_SPACE_OPS_H_
