// Half floats: IEEE 754 binary16, as bits. Arrays of them are worked on by the kernels; here is
// one number by itself, converted by the compiler.
#ifndef HNSWPG_CORE_KERNELS_HALF_H_
#define HNSWPG_CORE_KERNELS_HALF_H_

#include <bit>
#include <cmath>
#include <cstdint>

namespace hnswpg {

struct Half {
  uint16_t bits;
};
static_assert(sizeof(Half) == 2);

inline constexpr uint16_t kHalfExponent = 0x7C00;  // all of it set: infinite or NaN
inline constexpr float kMaxHalf = 65504.0f;

inline bool IsFinite(Half value) { return (value.bits & kHalfExponent) != kHalfExponent; }

#ifdef __FLT16_MANT_DIG__

inline float Widen(Half value) { return static_cast<float>(std::bit_cast<_Float16>(value.bits)); }

// To the nearest half, of two that are as near to the even one; infinite beyond kMaxHalf and
// half a step.
inline Half Narrow(float value) { return {std::bit_cast<uint16_t>(static_cast<_Float16>(value))}; }

#else  // Compilers that have no such type here.

// A half is a float with another bias and fewer bits. Below 2^-14 the step stays the same.
inline float Widen(Half value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000) << 16;
  const uint32_t magnitude = value.bits & 0x7FFF;
  if (!IsFinite(value)) return std::bit_cast<float>(sign | 0x7F800000 | (magnitude << 13));
  const float wide = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::copysign(wide, std::bit_cast<float>(sign | 0x3F800000));
}

inline Half Narrow(float value) {
  const uint16_t sign = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16 & 0x8000);
  if (std::isnan(value)) return {static_cast<uint16_t>(sign | 0x7E00)};
  const float magnitude = std::fabs(value);
  if (magnitude >= 65520.0f) return {static_cast<uint16_t>(sign | kHalfExponent)};
  // To add the power of two whose last bit is worth a step, and take it off again, rounds to
  // whole steps, to the even one of two.
  const int exponent = magnitude < 0x1p-14f ? -14 : std::ilogb(magnitude);
  const float step = std::ldexp(1.0f, exponent - 10);
  const int steps = static_cast<int>(std::nearbyint(magnitude / step));
  // Steps beyond the last of this exponent carry over into the next.
  const int bits = steps + ((exponent + 14) << 10);
  return {static_cast<uint16_t>(sign | bits)};
}

#endif

}  // namespace hnswpg

#endif  // HNSWPG_CORE_KERNELS_HALF_H_
