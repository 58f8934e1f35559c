// What every part of the project counts in, and how far it counts.
#ifndef HNSWPG_CORE_LIMITS_H_
#define HNSWPG_CORE_LIMITS_H_

#include <cstdint>

namespace hnswpg {

using ElementId = uint32_t;
using UpperId = uint32_t;

inline constexpr uint32_t kNoId = 0xFFFFFFFF;
// Ids stay below this, so that no id is mistaken for kNoId.
inline constexpr uint32_t kMaxElements = 0x7FFFFFFF;
inline constexpr int kMinM = 2;
inline constexpr int kMaxM = 100;
inline constexpr int kMaxDim = 16000;
inline constexpr int kMaxBits = 64000;  // dimensions of a vector of bits
// Levels are drawn geometrically; this cap is never met in practice and bounds
// every loop over levels.
inline constexpr int kMaxLevel = 40;

}  // namespace hnswpg

#endif  // HNSWPG_CORE_LIMITS_H_
