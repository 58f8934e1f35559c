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
#ifndef HNSWPG_CORE_BUILD_PACKING_H_
#define HNSWPG_CORE_BUILD_PACKING_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/build/graph_view.h"
#include "hnswpg/core/format/layout.h"

namespace hnswpg {

// So many neighbours of an element are asked for their lists.
inline constexpr size_t kPackedSteps = 16;

// A step looks at so many lists, and those that one element brings with it.
inline constexpr size_t kPackStepLists = 2048;

// The work is done in steps, so that whoever waits for it can do something else in between.
class Packing {
 public:
  // `first` comes first. Of a list longer than the layout has room for the beginning counts. The
  // graph, which nobody changes, must outlive the object. Raises std::bad_alloc.
  Packing(const GraphView* graph, uint32_t first, const ElementLayout& layout);

  // True when it is done; from then on there is nothing to do. Raises std::bad_alloc.
  bool Step();

  // The elements in the order of their places: the first elements of the layout's first graph
  // page, and so on; when Step has returned true.
  std::vector<uint32_t>& order() { return order_; }

 private:
  uint32_t size() const { return graph_.size(); }
  uint32_t placed() const { return static_cast<uint32_t>(order_.size()); }
  std::span<const uint32_t> Links(uint32_t element) const;
  bool MakeRoom();
  void Place(uint32_t element);
  void BeginPage();
  void CountLists(uint32_t element);
  void CountLinks(uint32_t element);
  uint32_t TakeBest();
  bool FindNext(uint32_t* element);
  void ClearPage();

  const GraphView& graph_;
  const ElementLayout layout_;
  const size_t max_links_;
  const uint32_t first_;
  std::vector<uint32_t> order_;
  std::vector<uint32_t> standing_;  // where an element stands, or its position among the candidates
  // Of the page being filled, which has places [page_begin_, page_end_): who may be next, in how
  // many of the page's lists each of them is, and whose lists have been counted.
  uint32_t page_begin_ = 0;
  uint32_t page_end_ = 0;
  std::vector<uint32_t> candidates_;
  std::vector<uint16_t> counts_;
  size_t n_candidates_ = 0;
  std::vector<uint8_t> asked_;  // by element
  std::vector<uint32_t> asked_list_;
  // The elements of earlier pages, but for those that were found to lead to placed ones alone.
  std::vector<uint32_t> open_;
  uint32_t scanned_ = 0;  // elements before it are placed
  size_t lists_ = 0;      // looked at in this step
};

// What Packing allocates for `n` elements, the order included.
size_t PackingBytes(size_t n);

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_PACKING_H_
