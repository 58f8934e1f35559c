// The nodes that a search of one thread has met: a bitmap of the whole graph that is undone node by
// node, since a search meets few of them. (VisitedBits in visited.h does the same for a session of
// the server: it grows with the index, lives in the server's memory and cannot throw; the one here
// has a size that BuildMemory has reckoned with.) No locks.
#ifndef HNSWPG_CORE_BUILD_MET_NODES_H_
#define HNSWPG_CORE_BUILD_MET_NODES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace hnswpg {

class MetNodes {
 public:
  static constexpr size_t Bytes(size_t capacity) {
    return (capacity + 63) / 64 * sizeof(uint64_t) + kMaxNoted * sizeof(uint32_t);
  }

  explicit MetNodes(size_t capacity)
      : bits_((capacity + 63) / 64), noted_(new uint32_t[kMaxNoted]) {}

  // Those of at most kMaxNoted nodes that it has not met yet. Valid until the next call.
  std::span<const uint32_t> Meet(std::span<const uint32_t> nodes) {
    if (n_noted_ + nodes.size() > kMaxNoted) {
      forgot_ = true;
      n_noted_ = 0;
    }
    uint32_t* fresh = noted_.get() + n_noted_;
    size_t n = 0;
    // No branches: too many of them would be guessed wrong.
    for (const uint32_t node : nodes) {
      uint64_t& word = bits_[node / 64];
      const uint64_t met = word >> (node % 64) & 1;
      word |= uint64_t{1} << (node % 64);
      fresh[n] = node;
      n += 1 - met;
    }
    n_noted_ += n;
    return {fresh, n};
  }

  void Clear() {
    for (size_t i = 0; i < n_noted_; i++) bits_[noted_[i] / 64] = 0;
    if (forgot_) std::fill(bits_.begin(), bits_.end(), 0);
    forgot_ = false;
    n_noted_ = 0;
  }

 private:
  // So many can be undone one by one.
  static constexpr size_t kMaxNoted = 4096;

  std::vector<uint64_t> bits_;
  std::unique_ptr<uint32_t[]> noted_;
  size_t n_noted_ = 0;
  bool forgot_ = false;  // it met more than could be noted
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_MET_NODES_H_
