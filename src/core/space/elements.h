// What the numbers of a vector are: floats, or half floats, which are widened for whatever no
// kernel of their own does.
#ifndef HNSWPG_CORE_SPACE_ELEMENTS_H_
#define HNSWPG_CORE_SPACE_ELEMENTS_H_

#include <algorithm>
#include <cmath>

#include "core/space/space_ops.h"
#include "hnswpg/core/limits.h"

namespace hnswpg {

constexpr Representation RepresentationOf(const float*) { return Representation::kFloat32; }
constexpr Representation RepresentationOf(const Half*) { return Representation::kFloat16; }

template <class E>
const E* Elements(const void* vector) {
  return static_cast<const E*>(vector);
}

// The kernels for an element, under one name.
template <class E>
struct ElementKernels;

template <>
struct ElementKernels<float> {
  explicit ElementKernels(const Kernels& k)
      : l2_squared(k.l2_squared), dot(k.dot), l1(k.l1), cosine_parts(k.cosine_parts) {}
  decltype(Kernels::l2_squared) l2_squared;
  decltype(Kernels::dot) dot;
  decltype(Kernels::l1) l1;
  decltype(Kernels::cosine_parts) cosine_parts;
};

template <>
struct ElementKernels<Half> {
  explicit ElementKernels(const Kernels& k)
      : l2_squared(k.l2_squared_f16),
        dot(k.dot_f16),
        l1(k.l1_f16),
        cosine_parts(k.cosine_parts_f16) {}
  decltype(Kernels::l2_squared_f16) l2_squared;
  decltype(Kernels::dot_f16) dot;
  decltype(Kernels::l1_f16) l1;
  decltype(Kernels::cosine_parts_f16) cosine_parts;
};

// Room for a vector as floats, on the stack. Floats need none.
struct WideBuffer {
  float values[kMaxDim];
};

inline const float* WidenTo(const CodeSpace&, const float* vector, WideBuffer*) { return vector; }
inline const float* WidenTo(const CodeSpace& space, const Half* vector, WideBuffer* buffer) {
  space.kernels().widen_f16(vector, space.dim(), buffer->values);
  return buffer->values;
}

inline bool IsFiniteElement(float value) { return std::isfinite(value); }
inline bool IsFiniteElement(Half value) { return IsFinite(value); }
inline bool IsZero(float value) { return value == 0.0f; }
inline bool IsZero(Half value) { return (value.bits & 0x7FFF) == 0; }

template <class E>
uint32_t FirstNotFinite(const CodeSpace& space, const void* vector) {
  const E* x = Elements<E>(vector);
  const E* end = x + space.dim();
  return std::find_if(x, end, [](E value) { return !IsFiniteElement(value); }) - x;
}

template <class E>
bool IsNotZero(const CodeSpace& space, const void* vector) {
  const E* x = Elements<E>(vector);
  return std::any_of(x, x + space.dim(), [](E value) { return !IsZero(value); });
}

inline bool HasAnyDistance(const CodeSpace&, const void*) { return true; }

template <class E>
void ToFloats(const CodeSpace& space, const void* vector, float* out) {
  if constexpr (sizeof(E) == sizeof(float)) {
    memcpy(out, vector, space.vector_bytes());
  } else {
    space.kernels().widen_f16(Elements<E>(vector), space.dim(), out);
  }
}

// 1 / |v|, in double, where the square does not overflow; 0 for a vector of zeros.
double InverseLength(const float* vector, size_t dim);

}  // namespace hnswpg

#endif  // HNSWPG_CORE_SPACE_ELEMENTS_H_
