// A node at a distance, in the form in which linking sorts and compares them. No locks.
#ifndef HNSWPG_CORE_BUILD_NODE_DISTANCE_H_
#define HNSWPG_CORE_BUILD_NODE_DISTANCE_H_

#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "hnswpg/core/limits.h"

namespace hnswpg {

// A node and its distance, as one number that orders by distance, then by node, the greater first.
class NodeDistance {
 public:
  NodeDistance() = default;
  NodeDistance(float distance, uint32_t node)
      : key_(uint64_t{Ordered(distance)} << 32 | (kMaxElements - node) << 1) {}

  float distance() const {
    const auto high = static_cast<uint32_t>(key_ >> 32);
    return std::bit_cast<float>(high & kSign ? high ^ kSign : ~high);
  }
  uint32_t node() const { return kMaxElements - (static_cast<uint32_t>(key_) >> 1); }

  // Whether its list has been read.
  bool read() const { return key_ & 1; }
  void SetRead() { key_ |= 1; }

  auto operator<=>(const NodeDistance& other) const = default;
  bool FartherThan(const NodeDistance& other) const { return key_ >> 32 > other.key_ >> 32; }

 private:
  static constexpr uint32_t kSign = 0x80000000;

  // Floats are ordered as their bits are, but for the sign. Zero has none.
  static uint32_t Ordered(float distance) {
    const auto bits = std::bit_cast<uint32_t>(distance + 0.0f);
    return bits ^ (kSign | (0 - (bits >> 31)));
  }

  uint64_t key_;
};

// The first of `n` > 0 ascending ones that is not less, or the end. No branches: half of them would
// be guessed wrong.
inline NodeDistance* LowerBound(NodeDistance* at, size_t n, NodeDistance near) {
  for (; n > 1; n -= n / 2) at += at[n / 2 - 1] < near ? n / 2 : 0;
  return at + (*at < near ? 1 : 0);
}

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_NODE_DISTANCE_H_
