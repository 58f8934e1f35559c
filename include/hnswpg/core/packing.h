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
#include <vector>

#include "hnswpg/core/layout.h"
#include "hnswpg/core/link_graph.h"

namespace hnswpg {

// So many neighbours of an element are asked for their lists.
inline constexpr size_t kPackedSteps = 16;

// Writes to `order` the elements in the order of their places: the first elements of the layout's
// first graph page, and so on. `first` comes first. Of a list longer than the layout has room for
// the beginning counts. `cancelled` (may be null) is asked every few
// hundred elements; false where it said true, and then `order` means nothing. Raises
// std::bad_alloc.
bool PackGraph(const LinkLists& graph, uint32_t first, const ElementLayout& layout,
               bool (*cancelled)(void*), void* arg, std::vector<uint32_t>* order);

// What PackGraph allocates for `n` elements, `order` included.
size_t PackingBytes(size_t n);

}  // namespace hnswpg

#endif  // HNSWPG_CORE_PACKING_H_
