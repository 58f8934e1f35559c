// Level 0 of a graph in memory, as the algorithms see it that need nothing else: spanning_tree,
// which mends it, and packing, which only reads. Interfaces; no locks, no threads.
#ifndef HNSWPG_CORE_BUILD_GRAPH_VIEW_H_
#define HNSWPG_CORE_BUILD_GRAPH_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hnswpg {

// A directed graph over the elements 0 .. size() - 1. The lists hold no self link, no link twice
// and no element beyond size().
class GraphView {
 public:
  virtual ~GraphView() = default;

  virtual uint32_t size() const = 0;
  // Valid until the next change of this element's list.
  virtual std::span<const uint32_t> Links(uint32_t element) const = 0;
  // Its links will be asked for soon.
  virtual void Prefetch(uint32_t) const {}
};

// One whose elements all carry a vector, and whose lists may be changed.
class EditableGraph : public GraphView {
 public:
  virtual size_t max_links() const = 0;  // of one element; at least 1
  // Only while the list is shorter than max_links().
  virtual void AddLink(uint32_t element, uint32_t to) = 0;
  virtual void ReplaceLink(uint32_t element, size_t index, uint32_t to) = 0;
  virtual float Distance(uint32_t a, uint32_t b) const = 0;

  // Append elements near `target` to `out`, nearest first: by whatever means, and by following
  // links from `start` alone. Hints: finding nothing is allowed.
  virtual void FindNear(uint32_t target, std::vector<uint32_t>* out) = 0;
  virtual void FindNearFrom(uint32_t start, uint32_t target, std::vector<uint32_t>* out) = 0;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_GRAPH_VIEW_H_
