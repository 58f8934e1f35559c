// What kind of vectors an index has and how they are measured: the key of a space.
#ifndef HNSWPG_CORE_SPACE_KIND_H_
#define HNSWPG_CORE_SPACE_KIND_H_

#include <cstdint>

namespace hnswpg {

// The numbers are stored in the metapage; never renumber.

// What the bytes of a vector are.
enum class Representation : uint8_t {
  kFloat32 = 0,  // one float a dimension
  kFloat16 = 1,  // one half float a dimension
  kBits = 2,     // one bit a dimension, eight to a byte; those behind the last are 0
};
enum class Metric : uint8_t {
  kL2 = 1,
  kInnerProduct = 2,
  kCosine = 3,
  kL1 = 4,
  kHamming = 5,
  kJaccard = 6
};
// What the graph is walked by: the vectors themselves, or codes of them.
enum class Quantization : uint8_t { kNone = 0, kInt8 = 1 };

struct SpaceKind {
  Representation representation;
  Metric metric;
  Quantization quantization;
  bool operator==(const SpaceKind&) const = default;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_SPACE_KIND_H_
