// The arithmetic of distances: a handful of loops over arrays, chosen once per
// process for the CPU at hand.
//
// One portable source (src/core/kernels/kernels.cpp, Google Highway) is compiled for
// every instruction set the compiler knows; GetKernels() returns the best set
// that this CPU runs. Nothing here allocates, throws or keeps state.
#ifndef HNSWPG_CORE_KERNELS_KERNELS_H_
#define HNSWPG_CORE_KERNELS_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "hnswpg/core/kernels/half.h"

namespace hnswpg {

// The one side of dots_i8.
struct QueryI8 {
  const int8_t* values;
  size_t n;
  int32_t sum;  // of the values
};

// All functions take `n` >= 0 values from each array, at any alignment, and
// read nothing beyond them. Sums of floats are kept in float, as pgvector
// keeps them; the order of the additions depends on the instruction set, so
// results agree between machines to rounding only.
struct Kernels {
  float (*l2_squared)(const float* a, const float* b, size_t n);
  float (*dot)(const float* a, const float* b, size_t n);
  float (*l1)(const float* a, const float* b, size_t n);
  // Sets *dot = a.b, *a2 = a.a and *b2 = b.b in one pass.
  void (*cosine_parts)(const float* a, const float* b, size_t n, float* dot, float* a2, float* b2);
  // Exact for values in [-127, 127] and n <= 16,000.
  int32_t (*dot_i8)(const int8_t* a, const int8_t* b, size_t n);
  // out[i] = dot_i8(query.values, arrays[i], query.n), several arrays at a time.
  void (*dots_i8)(const QueryI8& query, const int8_t* const* arrays, size_t n_arrays, int32_t* out);
  // The same of half floats, which are widened to floats first: the sums are kept in float, which
  // none of them overflows.
  float (*l2_squared_f16)(const Half* a, const Half* b, size_t n);
  float (*dot_f16)(const Half* a, const Half* b, size_t n);
  float (*l1_f16)(const Half* a, const Half* b, size_t n);
  void (*cosine_parts_f16)(const Half* a, const Half* b, size_t n, float* dot, float* a2,
                           float* b2);
  // Exact.
  void (*widen_f16)(const Half* values, size_t n, float* out);
  // How many bits of n bytes differ, and how many are set in both.
  uint64_t (*differing_bits)(const uint8_t* a, const uint8_t* b, size_t n);
  uint64_t (*common_bits)(const uint8_t* a, const uint8_t* b, size_t n);
  // The instruction set behind these pointers, for people ("AVX3_DL").
  const char* target;
};

const Kernels& GetKernels() noexcept;

}  // namespace hnswpg

#endif  // HNSWPG_CORE_KERNELS_KERNELS_H_
