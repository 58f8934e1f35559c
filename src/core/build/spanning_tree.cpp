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
#include "core/build/spanning_tree.h"

#include <algorithm>
#include <utility>

namespace hnswpg {
namespace {

constexpr uint32_t kUnreached = 0xFFFFFFFE;

// Room for so many elements is made in a step: the system hands memory out page by page.
constexpr size_t kStepElements = 1 << 18;

// A list whose distances are measured counts as so many that are only read.
constexpr size_t kListsMeasured = 16;

}  // namespace

SpanningTree::SpanningTree(EditableGraph* graph, uint32_t root) : graph_(*graph), root_(root) {
  parents_.reserve(graph_.size());
  order_.reserve(graph_.size());
}

bool SpanningTree::Reached(uint32_t element) const { return parents_[element] != kUnreached; }

void SpanningTree::Reach(uint32_t element, uint32_t parent) {
  parents_[element] = parent;
  order_.push_back(element);
}

// True when all the elements have theirs.
bool SpanningTree::MakeRoom() {
  if (parents_.size() == graph_.size()) return true;
  parents_.resize(std::min<size_t>(graph_.size(), parents_.size() + kStepElements), kUnreached);
  if (parents_.size() == graph_.size()) Reach(root_, kTreeRoot);
  return false;
}

bool SpanningTree::Step() {
  if (!MakeRoom()) return false;
  for (size_t lists = 0; lists < kTreeStepLists;) {
    if (expanded_ < order_.size()) {
      Expand(order_[expanded_++]);
      lists++;
    } else if (order_.size() == parents_.size()) {
      return true;
    } else if (nothing_near_) {
      nothing_near_ = !AttachAnywhere(next_, &lists);
    } else if (FindUnreached(&lists)) {
      nothing_near_ = !AttachNear(next_);
      return false;
    }
  }
  return false;
}

// Lets next_ be the first element that is not reached; there is one. False if that takes more than
// the step's share.
bool SpanningTree::FindUnreached(size_t* lists) {
  for (; Reached(next_); next_++) {
    if (++*lists >= kTreeStepLists) return false;
  }
  return true;
}

void SpanningTree::Expand(uint32_t element) {
  for (uint32_t to : graph_.Links(element)) {
    if (!Reached(to)) Reach(to, element);
  }
}

// Gives an unreached element a parent, as near to it as can be had. False if nobody near has room.
bool SpanningTree::AttachNear(uint32_t element) {
  return AttachToNeighbour(element) || AttachToFound(element) || AttachByWalk(element);
}

// False if the step is over before somebody was found.
bool SpanningTree::AttachAnywhere(uint32_t element, size_t* lists) {
  for (; !TryParent(order_[cursor_], element); cursor_++) {
    *lists += kListsMeasured;
    if (*lists >= kTreeStepLists) return false;
  }
  return true;
}

// Its own neighbours first: a link back to the element was what the graph dropped.
bool SpanningTree::AttachToNeighbour(uint32_t element) {
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
bool SpanningTree::AttachToFound(uint32_t element) {
  size_t tried = candidates_.size();
  graph_.FindNear(element, &candidates_);
  std::erase_if(candidates_, [&](uint32_t c) { return !Reached(c); });
  if (candidates_.size() == tried) graph_.FindNearFrom(root_, element, &candidates_);
  std::erase_if(candidates_, [&](uint32_t c) { return !Reached(c); });
  return AttachToAnyOf(element);
}

// Everything near is full of children. So it has children: go down to the nearest, and on.
bool SpanningTree::AttachByWalk(uint32_t element) {
  if (candidates_.empty()) return false;
  uint32_t at = candidates_.front();
  for (int i = 0; i < kMaxTreeWalk; i++) {
    at = NearestChild(at, element);
    if (TryParent(at, element)) return true;
  }
  return false;
}

bool SpanningTree::AttachToAnyOf(uint32_t element) {
  for (uint32_t candidate : candidates_) {
    if (TryParent(candidate, element)) return true;
  }
  return false;
}

// Makes `element` a child of `parent` if that has a link to spare.
bool SpanningTree::TryParent(uint32_t parent, uint32_t element) {
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
size_t SpanningTree::FarthestSpare(uint32_t parent) const {
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
uint32_t SpanningTree::NearestChild(uint32_t parent, uint32_t element) const {
  std::span<const uint32_t> links = graph_.Links(parent);
  return *std::min_element(links.begin(), links.end(), [&](uint32_t a, uint32_t b) {
    return graph_.Distance(element, a) < graph_.Distance(element, b);
  });
}

}  // namespace hnswpg
