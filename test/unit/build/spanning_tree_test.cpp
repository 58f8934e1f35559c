// The spanning tree on graphs made to be awkward: every one must come out connected, by edges that
// are links, without any list growing beyond its room.
#include "core/build/spanning_tree.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace hnswpg {
namespace {

// Elements on a line. What the searches find is the test's choice.
class TestGraph : public EditableGraph {
 public:
  TestGraph(size_t max_links, std::vector<std::vector<uint32_t>> lists)
      : lists(std::move(lists)), max_links_(max_links), positions(this->lists.size()) {
    std::iota(positions.begin(), positions.end(), 0.0f);
  }

  uint32_t size() const override { return static_cast<uint32_t>(lists.size()); }
  size_t max_links() const override { return max_links_; }
  std::span<const uint32_t> Links(uint32_t e) const override {
    links_read += 1 + lists[e].size();
    lists_read++;
    return lists[e];
  }
  void AddLink(uint32_t e, uint32_t to) override {
    REQUIRE(lists[e].size() < max_links_);
    lists[e].push_back(to);
    changes++;
  }
  void ReplaceLink(uint32_t e, size_t index, uint32_t to) override {
    REQUIRE(index < lists[e].size());
    lists[e][index] = to;
    changes++;
  }
  float Distance(uint32_t a, uint32_t b) const override {
    return std::abs(positions[a] - positions[b]);
  }
  void FindNear(uint32_t, std::vector<uint32_t>* out) override {
    out->insert(out->end(), near.begin(), near.end());
  }
  void FindNearFrom(uint32_t, uint32_t, std::vector<uint32_t>* out) override {
    out->insert(out->end(), near_from_root.begin(), near_from_root.end());
  }

  std::vector<std::vector<uint32_t>> lists;
  std::vector<uint32_t> near, near_from_root;
  size_t changes = 0;
  mutable size_t links_read = 0;
  mutable size_t lists_read = 0;

 private:
  size_t max_links_;

 public:
  std::vector<float> positions;
};

// Runs the algorithm and checks all that it promises. Returns the parents.
std::vector<uint32_t> Connect(TestGraph* graph, uint32_t root) {
  SpanningTree tree(graph, root);
  // A step's own, and those of one search for a parent, which looks twice at whom it tries.
  const size_t search =
      2 * (graph->max_links() + graph->near.size() + graph->near_from_root.size() + 2);
  const size_t most = kTreeStepLists + search + 3 * kMaxTreeWalk;
  for (bool done = false; !done;) {
    const size_t before = graph->lists_read;
    done = tree.Step();
    REQUIRE(graph->lists_read - before <= most);
  }
  const std::vector<uint32_t> parents = tree.parents();
  uint32_t n = graph->size();
  REQUIRE(parents.size() == n);

  std::vector<std::vector<uint32_t>> children(n);
  for (uint32_t e = 0; e < n; e++) {
    const std::vector<uint32_t>& list = graph->lists[e];
    REQUIRE(list.size() <= graph->max_links());
    std::set<uint32_t> distinct(list.begin(), list.end());
    REQUIRE(distinct.size() == list.size());
    REQUIRE(distinct.count(e) == 0);

    REQUIRE((parents[e] == kTreeRoot) == (e == root));
    if (e == root) continue;
    REQUIRE(parents[e] < n);
    const std::vector<uint32_t>& of_parent = graph->lists[parents[e]];
    REQUIRE(std::find(of_parent.begin(), of_parent.end(), e) != of_parent.end());
    children[parents[e]].push_back(e);
  }

  // Down from the root everything is met once: reachable and without a circle.
  std::vector<uint32_t> met = {root};
  for (size_t i = 0; i < met.size(); i++) {
    met.insert(met.end(), children[met[i]].begin(), children[met[i]].end());
    REQUIRE(met.size() <= n);
  }
  REQUIRE(met.size() == n);
  return parents;
}

std::vector<std::vector<uint32_t>> Clique(uint32_t first, uint32_t count) {
  std::vector<std::vector<uint32_t>> lists(count);
  for (uint32_t i = 0; i < count; i++) {
    for (uint32_t j = 0; j < count; j++) {
      if (i != j) lists[i].push_back(first + j);
    }
  }
  return lists;
}

TEST_CASE("spanning tree: one element is its own tree") {
  TestGraph graph(4, {{}});
  CHECK(Connect(&graph, 0) == std::vector<uint32_t>{kTreeRoot});
  CHECK(graph.changes == 0);
}

TEST_CASE("spanning tree: a connected graph is left alone") {
  TestGraph graph(4, {{1, 2}, {0, 3}, {0}, {2}});
  std::vector<std::vector<uint32_t>> before = graph.lists;
  CHECK(Connect(&graph, 0) == std::vector<uint32_t>{kTreeRoot, 0, 0, 1});
  CHECK(graph.lists == before);
}

TEST_CASE("spanning tree: chain that points towards the root") {
  std::vector<std::vector<uint32_t>> lists(1000);
  for (uint32_t i = 1; i < 1000; i++) lists[i] = {i - 1};
  TestGraph graph(4, lists);
  std::vector<uint32_t> parents = Connect(&graph, 0);
  for (uint32_t i = 1; i < 1000; i++) CHECK(parents[i] == i - 1);
}

TEST_CASE("spanning tree: chain that points away from a root in its middle") {
  std::vector<std::vector<uint32_t>> lists(1000);
  for (uint32_t i = 0; i + 1 < 1000; i++) lists[i] = {i + 1};
  TestGraph graph(4, lists);
  Connect(&graph, 500);
}

TEST_CASE("spanning tree: elements without any links") {
  for (size_t max_links : {1, 2, 4, 32}) {
    TestGraph graph(max_links, std::vector<std::vector<uint32_t>>(300));
    Connect(&graph, 7);
  }
}

TEST_CASE("spanning tree: pairs that point only at each other") {
  std::vector<std::vector<uint32_t>> lists(600);
  for (uint32_t i = 0; i < 600; i++) lists[i] = {i ^ 1};
  TestGraph graph(4, lists);
  Connect(&graph, 599);
}

TEST_CASE("spanning tree: full islands") {
  constexpr uint32_t kMaxLinks = 4;
  std::vector<std::vector<uint32_t>> lists;
  for (uint32_t island = 0; island < 200; island++) {
    auto clique = Clique(island * (kMaxLinks + 1), kMaxLinks + 1);
    lists.insert(lists.end(), clique.begin(), clique.end());
  }
  TestGraph graph(kMaxLinks, lists);
  SECTION("nothing is found") {}
  SECTION("only the island itself is found") { graph.near = {995, 996, 997, 998, 999}; }
  SECTION("only the root is found") { graph.near_from_root = {0}; }
  Connect(&graph, 0);
  CHECK(graph.changes == 199);
}

TEST_CASE("spanning tree: the element's own nearest neighbour becomes its parent") {
  TestGraph graph(3, {{1, 2}, {0, 3}, {0, 3}, {1, 2}, {0, 3}});
  std::vector<uint32_t> parents = Connect(&graph, 0);
  CHECK(parents[4] == 3);
  CHECK(graph.lists[3] == std::vector<uint32_t>{1, 2, 4});
}

TEST_CASE("spanning tree: a full list gives up its farthest link") {
  TestGraph graph(2, {{1, 2}, {0, 3}, {0, 3}, {1, 2}, {0, 3}});
  Connect(&graph, 0);
  CHECK(graph.lists[3] == std::vector<uint32_t>{4, 2});
}

TEST_CASE("spanning tree: links to children are never given up") {
  // 1 and 2 are children of 0, whose list is full; 3 knows 0 alone.
  TestGraph graph(2, {{1, 2}, {}, {}, {0}});
  std::vector<uint32_t> parents = Connect(&graph, 0);
  CHECK(graph.lists[0] == std::vector<uint32_t>{1, 2});
  CHECK(parents[3] == 2);  // the nearer of the children
}

TEST_CASE("spanning tree: an unreached element that a search finds is no parent") {
  TestGraph graph(4, {{1}, {0}, {3}, {2}});
  graph.near = {3, 2};
  graph.near_from_root = {1};
  std::vector<uint32_t> parents = Connect(&graph, 0);
  CHECK(parents[2] == 1);
  CHECK(parents[3] == 2);
}

TEST_CASE("spanning tree: a crowd around one element whose list is full") {
  // All at one place, and every search finds the root, so each walk goes down the same way.
  std::vector<std::vector<uint32_t>> lists(20000);
  for (uint32_t i = 1; i < lists.size(); i++) lists[i] = {0};
  TestGraph graph(4, lists);
  std::fill(graph.positions.begin(), graph.positions.end(), 0.0f);
  graph.near = {0};
  Connect(&graph, 0);
  CHECK(graph.links_read < 600 * lists.size());
}

TEST_CASE("spanning tree: work grows with the number of links") {
  for (uint32_t n : {1000u, 100000u}) {
    std::vector<std::vector<uint32_t>> lists(n);
    for (uint32_t i = 0; i < n; i++) lists[i] = {i ^ 1, (i + n / 2) % n};
    TestGraph graph(4, lists);
    graph.near_from_root = {0};
    Connect(&graph, 0);
    CHECK(graph.links_read < 600 * static_cast<size_t>(n));
  }
}

TEST_CASE("spanning tree: random graphs") {
  std::mt19937 random(1);
  auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
  for (int round = 0; round < 2000; round++) {
    uint32_t n = 1 + below(40);
    size_t max_links = 1 + below(5);
    std::vector<std::vector<uint32_t>> lists(n);
    for (uint32_t e = 0; e < n; e++) {
      for (size_t tries = below(static_cast<uint32_t>(max_links) + 1); tries > 0; tries--) {
        uint32_t to = below(2) == 0 ? below(n) : e - e % 5 + below(std::min(5u, n - (e - e % 5)));
        auto& list = lists[e];
        if (to != e && std::find(list.begin(), list.end(), to) == list.end()) list.push_back(to);
      }
    }
    TestGraph graph(max_links, lists);
    for (float& position : graph.positions) position = static_cast<float>(below(10));
    for (int i = 0; i < 3; i++) graph.near.push_back(below(n));
    Connect(&graph, below(n));
  }
}

TEST_CASE("spanning tree: many elements without a link, and lists that have no room") {
  // Each of them is attached.
  TestGraph apart(1, std::vector<std::vector<uint32_t>>(20000));
  Connect(&apart, 19999);
  // All are reached but the last, and whoever looks for a place for it passes all of them.
  std::vector<std::vector<uint32_t>> lists(20001);
  for (uint32_t i = 0; i + 2 < lists.size(); i++) lists[i] = {i + 1};
  TestGraph chain(1, lists);
  Connect(&chain, 0);
}

TEST_CASE("spanning tree: it may be left between steps") {
  std::vector<std::vector<uint32_t>> lists(50000);
  for (uint32_t i = 0; i + 1 < lists.size(); i++) lists[i] = {i + 1};
  TestGraph chain(4, lists);
  SpanningTree following(&chain, 0);
  for (int i = 0; i < 5; i++) REQUIRE_FALSE(following.Step());
  CHECK(chain.changes == 0);

  TestGraph apart(4, std::vector<std::vector<uint32_t>>(100));
  SpanningTree attaching(&apart, 0);
  for (int i = 0; i < 5; i++) REQUIRE_FALSE(attaching.Step());
  CHECK(apart.changes > 0);
  for (const auto& list : apart.lists) CHECK(list.size() <= 4);
}

}  // namespace
}  // namespace hnswpg
