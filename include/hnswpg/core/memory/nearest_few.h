// The nearest few of many, in order.
#ifndef HNSWPG_CORE_MEMORY_NEAREST_FEW_H_
#define HNSWPG_CORE_MEMORY_NEAREST_FEW_H_

#include <algorithm>

namespace hnswpg {

// Item has a member `distance`. Of two equally near ones the first that was met comes first. For so
// few that moving them is cheaper than a heap; no memory of its own.
template <class Item, int kMost>
class NearestFew {
 public:
  void Meet(const Item& item) {
    if (n_ == kMost && item.distance >= items_[n_ - 1].distance) return;
    int at = std::min(n_, kMost - 1);
    n_ = at + 1;
    for (; at > 0 && items_[at - 1].distance > item.distance; at--) items_[at] = items_[at - 1];
    items_[at] = item;
  }
  void Clear() { n_ = 0; }
  const Item* begin() const { return items_; }
  const Item* end() const { return items_ + n_; }

 private:
  Item items_[kMost];
  int n_ = 0;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_MEMORY_NEAREST_FEW_H_
