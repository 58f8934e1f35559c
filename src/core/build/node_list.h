// The lists of an hnswlib index, and the byte that guards those of one node: the last of the 4 that
// precede its level-0 list (hnswlib keeps the count in 2, the deleted mark in a bit of 1, where we
// keep another bit: that the node's code does not tell its neighbours apart). Who waits for it
// spins for a moment, then yields the processor; linking.h says in which order they are taken.
#ifndef HNSWPG_CORE_BUILD_NODE_LIST_H_
#define HNSWPG_CORE_BUILD_NODE_LIST_H_

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/build/hnswlib_index.h"
#include "core/build/node_distance.h"

namespace hnswpg {

inline constexpr uint8_t kBlindMark = 2;

// Holds the byte of a node.
class Locked {
 public:
  Locked(const HnswlibIndex& index, uint32_t node)
      : state_(reinterpret_cast<uint8_t*>(index.get_linklist0(node))[3]) {
    while (state_.exchange(kLocked, std::memory_order_acquire) != 0) Wait();
  }
  ~Locked() { state_.store(0, std::memory_order_release); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  static constexpr uint8_t kLocked = 1;
  static constexpr int kSpins = 64;

  void Wait() const {
    for (int i = 0; state_.load(std::memory_order_relaxed) != 0; i++) {
      if (i >= kSpins) sched_yield();
    }
  }

  std::atomic_ref<uint8_t> state_;
};

// The node's lock is held, or nobody links any more.
inline void SetBlind(const HnswlibIndex& index, uint32_t node) {
  reinterpret_cast<uint8_t*>(index.get_linklist0(node))[2] |= kBlindMark;
}
inline bool IsBlind(const HnswlibIndex& index, uint32_t node) {
  return reinterpret_cast<const uint8_t*>(index.get_linklist0(node))[2] & kBlindMark;
}

// One list of an element, whose lock is held. Behind its links, places that they leave free may
// hold fillers.
class NodeList {
 public:
  NodeList(const HnswlibIndex& index, uint32_t node, int level)
      : index_(index), header_(index.get_linklist_at_level(node, level)) {}

  std::span<const uint32_t> nodes() const { return {header_ + 1, index_.getListCount(header_)}; }

  void Append(uint32_t node) {
    const size_t n = nodes().size();
    header_[1 + n] = node;
    SetCount(n + 1);
  }

  // Behind the last link. The first filler makes room: it goes to the end, or, if there are `max`
  // nodes, altogether.
  void AppendBeforeFillers(uint32_t node, size_t max, uint8_t* n_fillers) {
    const size_t n = nodes().size();
    uint32_t* const place = header_ + 1 + n - *n_fillers;
    if (n == max) {
      --*n_fillers;
    } else {
      header_[1 + n] = *place;
      SetCount(n + 1);
    }
    *place = node;
  }

  // Given the nearest first. In the list the farthest comes first, as in hnswlib's.
  void Assign(std::span<const NodeDistance> nodes) {
    std::transform(nodes.rbegin(), nodes.rend(), header_ + 1,
                   [](NodeDistance n) { return n.node(); });
    SetCount(nodes.size());
  }

 private:
  void SetCount(size_t n) { index_.setListCount(header_, static_cast<unsigned short>(n)); }

  const HnswlibIndex& index_;
  hnswlib::linklistsizeint* header_;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_NODE_LIST_H_
