// Orders the elements of a graph so that those which a search measures together lie on the same
// page: then a search touches fewer pages.
//
// A search that comes to an element measures all of its list. So pages are filled one after
// another, each time with the element that is in most of the lists that the page has to do with:
// those of its elements, each time anew, and those of their neighbours, once each. (An element
// whose list leads to z is, mostly, in z's list as well; so the latter stand for the lists that
// hold an element of the page.) The next page goes on with the best of what had no room.
//
// Memory: PackingBytes. Time: linear in the links of at most kPackedSteps neighbours an element.
// No locks, no threads.
#ifndef HNSWPG_CORE_PACKING_H_
#define HNSWPG_CORE_PACKING_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hnswpg/core/layout.h"

namespace hnswpg {

// A directed graph over the elements 0 .. size() - 1. Of longer lists than the layout has room for
// the beginning counts.
class LinkLists {
 public:
  virtual ~LinkLists() = default;
  virtual uint32_t size() const = 0;
  virtual std::span<const uint32_t> Links(uint32_t element) const = 0;
  // Its links will be asked for soon.
  virtual void Prefetch(uint32_t) const {}
};

// So many neighbours of an element are asked for their lists.
inline constexpr size_t kPackedSteps = 16;

// Writes to `order` the elements in the order of their places: the first elements of the layout's
// first graph page, and so on. `first` comes first. `cancelled` (may be null) is asked every few
// hundred elements; false where it said true, and then `order` means nothing. Raises
// std::bad_alloc.
bool PackGraph(const LinkLists& graph, uint32_t first, const ElementLayout& layout,
               bool (*cancelled)(void*), void* arg, std::vector<uint32_t>* order);

// What PackGraph allocates for `n` elements, `order` included.
size_t PackingBytes(size_t n);

}  // namespace hnswpg

#endif  // HNSWPG_CORE_PACKING_H_
