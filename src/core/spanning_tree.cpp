// The spanning tree of a graph, mended where the graph is not connected.
//
// Why there is always room somewhere: a link may be replaced unless it leads to a child, and a leaf
// of the tree has no child. An element whose links all lead to children never gets room again,
// since edges of the tree are never removed; so a cursor over the elements in the order in which
// they were reached finds room in linear time altogether.
//
// Why the rest of the graph loses nothing: elements are attached only while no reached element has
// a link to an unreached one, so the link that is replaced leads to an element that has its own
// parent.
#include "hnswpg/core/spanning_tree.h"

#include <algorithm>
#include <utility>

namespace hnswpg {
namespace {

constexpr uint32_t kUnreached = 0xFFFFFFFE;

// How far to walk down from a neighbour that has no room before giving up on staying near.
constexpr int kMaxWalk = 32;

constexpr uint32_t kCancelInterval = 256;

class TreeBuilder {
 public:
  TreeBuilder(LinkGraph* graph, std::vector<uint32_t>* parents)
      : graph_(*graph), parents_(*parents), root_(0) {
    parents_.assign(graph_.size(), kUnreached);
    order_.reserve(graph_.size());
  }

  TreeStatus Run(uint32_t root, bool (*cancelled)(void*), void* arg);

 private:
  bool Reached(uint32_t element) const { return parents_[element] != kUnreached; }
  void Reach(uint32_t element, uint32_t parent) {
    parents_[element] = parent;
    order_.push_back(element);
  }
  void Expand(uint32_t element);
  void Attach(uint32_t element);
  bool AttachToNeighbour(uint32_t element);
  bool AttachToFound(uint32_t element);
  bool AttachByWalk(uint32_t element);
  bool AttachToAnyOf(uint32_t element);
  bool TryParent(uint32_t parent, uint32_t element);
  size_t FarthestSpare(uint32_t parent) const;
  uint32_t NearestChild(uint32_t parent, uint32_t element) const;

  LinkGraph& graph_;
  std::vector<uint32_t>& parents_;
  std::vector<uint32_t> order_;  // reached elements; those before expanded_ have been followed
  size_t expanded_ = 0;
  size_t cursor_ = 0;  // elements of order_ before it have no room
  uint32_t root_;
  std::vector<uint32_t> candidates_;
};

TreeStatus TreeBuilder::Run(uint32_t root, bool (*cancelled)(void*), void* arg) {
  root_ = root;
  Reach(root, kTreeRoot);
  uint32_t next = 0;  // elements before it are reached
  while (order_.size() < parents_.size() || expanded_ < order_.size()) {
    bool attach = expanded_ == order_.size();
    bool ask = cancelled != nullptr && (attach || expanded_ % kCancelInterval == 0);
    if (ask && cancelled(arg)) return TreeStatus::kCancelled;
    if (!attach) {
      Expand(order_[expanded_++]);
    } else {
      while (Reached(next)) next++;
      Attach(next);
    }
  }
  return TreeStatus::kDone;
}

void TreeBuilder::Expand(uint32_t element) {
  for (uint32_t to : graph_.Links(element)) {
    if (!Reached(to)) Reach(to, element);
  }
}

// Gives an unreached element a parent, as near to it as can be had.
void TreeBuilder::Attach(uint32_t element) {
  if (AttachToNeighbour(element)) return;
  if (AttachToFound(element)) return;
  if (AttachByWalk(element)) return;
  while (!TryParent(order_[cursor_], element)) cursor_++;
}

// Its own neighbours first: a link back to the element was what the graph dropped.
bool TreeBuilder::AttachToNeighbour(uint32_t element) {
  std::vector<std::pair<float, uint32_t>> near;
  for (uint32_t to : graph_.Links(element)) {
    if (Reached(to)) near.emplace_back(graph_.Distance(element, to), to);
  }
  std::sort(near.begin(), near.end());
  candidates_.clear();
  for (const auto& [distance, to] : near) candidates_.push_back(to);
  return AttachToAnyOf(element);
}

// FindNear may come upon unreached elements only (an island that it knows another way into); from
// the root over links every element found is reached.
bool TreeBuilder::AttachToFound(uint32_t element) {
  size_t tried = candidates_.size();
  graph_.FindNear(element, &candidates_);
  std::erase_if(candidates_, [&](uint32_t c) { return !Reached(c); });
  if (candidates_.size() == tried) graph_.FindNearFrom(root_, element, &candidates_);
  std::erase_if(candidates_, [&](uint32_t c) { return !Reached(c); });
  return AttachToAnyOf(element);
}

// Everything near is full of children. So it has children: go down to the nearest, and on.
bool TreeBuilder::AttachByWalk(uint32_t element) {
  if (candidates_.empty()) return false;
  uint32_t at = candidates_.front();
  for (int i = 0; i < kMaxWalk; i++) {
    at = NearestChild(at, element);
    if (TryParent(at, element)) return true;
  }
  return false;
}

bool TreeBuilder::AttachToAnyOf(uint32_t element) {
  for (uint32_t candidate : candidates_) {
    if (TryParent(candidate, element)) return true;
  }
  return false;
}

// Makes `element` a child of `parent` if that has a link to spare.
bool TreeBuilder::TryParent(uint32_t parent, uint32_t element) {
  if (graph_.Links(parent).size() < graph_.max_links()) {
    graph_.AddLink(parent, element);
  } else {
    size_t index = FarthestSpare(parent);
    if (index == graph_.max_links()) return false;
    graph_.ReplaceLink(parent, index, element);
  }
  Reach(element, parent);
  return true;
}

// Position of the farthest link of a full list that is no edge of the tree; max_links() if all are.
size_t TreeBuilder::FarthestSpare(uint32_t parent) const {
  std::span<const uint32_t> links = graph_.Links(parent);
  size_t found = graph_.max_links();
  float farthest = 0;
  for (size_t i = 0; i < links.size(); i++) {
    if (parents_[links[i]] == parent) continue;
    float distance = graph_.Distance(parent, links[i]);
    if (found == graph_.max_links() || distance > farthest) {
      farthest = distance;
      found = i;
    }
  }
  return found;
}

// `parent` has links to children only, and at least one.
uint32_t TreeBuilder::NearestChild(uint32_t parent, uint32_t element) const {
  std::span<const uint32_t> links = graph_.Links(parent);
  return *std::min_element(links.begin(), links.end(), [&](uint32_t a, uint32_t b) {
    return graph_.Distance(element, a) < graph_.Distance(element, b);
  });
}

}  // namespace

TreeStatus BuildSpanningTree(LinkGraph* graph, uint32_t root, bool (*cancelled)(void*), void* arg,
                             std::vector<uint32_t>* parents) {
  return TreeBuilder(graph, parents).Run(root, cancelled, arg);
}

}  // namespace hnswpg
