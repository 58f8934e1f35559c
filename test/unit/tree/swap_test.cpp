// Places that change in the tree of parents: whatever is done, everything can be reached,
// and no list is longer than it may be.
#include "hnswpg/core/tree/swap.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>
#include <set>
#include <vector>

namespace hnswpg {
namespace {

struct Node {
  ElementId parent = kNoId;
  bool dead = false;
  std::vector<ElementId> links;
  bool Has(ElementId id) const { return std::find(links.begin(), links.end(), id) != links.end(); }
};

struct Tree {
  std::vector<Node> nodes;
  ElementId root = 0;
  size_t capacity;

  // Lists are full of children before they have anything else.
  Tree(ElementId n, size_t links, unsigned seed) : nodes(n), capacity(links) {
    std::mt19937 random(seed);
    for (ElementId id = 1; id < n; id++) {
      ElementId parent = random() % id;
      while (nodes[parent].links.size() == capacity) parent = (parent + 1) % id;
      nodes[parent].links.push_back(id);
      nodes[id].parent = parent;
    }
    for (ElementId id = 0; id < n; id++) {
      nodes[id].dead = random() % 3 == 0;
      while (nodes[id].links.size() < capacity && random() % 4 != 0) {
        const ElementId other = random() % n;
        if (other != id && !nodes[id].Has(other)) nodes[id].links.push_back(other);
      }
      std::shuffle(nodes[id].links.begin(), nodes[id].links.end(), random);
    }
  }

  SwapPlan Plan(ElementId id) const {
    const Node& self = nodes[id];
    const ElementId grandparent = nodes[self.parent].parent;
    const SwapView view = {id,
                           self.parent,
                           self.links.data(),
                           static_cast<int>(self.links.size()),
                           static_cast<int>(capacity),
                           grandparent != kNoId && nodes[grandparent].Has(id)};
    return PlanSwap(view, [&](ElementId other) {
      return SwapNeighbour{nodes[other].parent, nodes[other].dead};
    });
  }

  void Replace(ElementId owner, ElementId from, ElementId to) {
    if (nodes[owner].Has(to)) return;
    *std::find(nodes[owner].links.begin(), nodes[owner].links.end(), from) = to;
  }

  // As it is done on pages.
  void Apply(ElementId id, const SwapPlan& plan) {
    const ElementId parent = nodes[id].parent;
    const ElementId grandparent = nodes[parent].parent;
    nodes[id].parent = grandparent;
    if (plan.moves_up) return;
    if (grandparent == kNoId) {
      root = id;
    } else {
      Replace(grandparent, parent, id);
    }
    nodes[parent].parent = id;
    if (plan.over != kNoId) Replace(id, plan.over, parent);
    if (plan.add) nodes[id].links.push_back(parent);
    if (plan.displaced != kNoId) {
      Replace(parent, id, plan.displaced);
      nodes[plan.displaced].parent = parent;
    }
  }

  // Everything is below the root, by links.
  void Check() const {
    REQUIRE(nodes[root].parent == kNoId);
    for (ElementId id = 0; id < nodes.size(); id++) {
      REQUIRE(nodes[id].links.size() <= capacity);
      const std::set<ElementId> once(nodes[id].links.begin(), nodes[id].links.end());
      REQUIRE(once.size() == nodes[id].links.size());
      if (id == root) continue;
      REQUIRE(nodes[id].parent != kNoId);
      REQUIRE(nodes[nodes[id].parent].Has(id));
      size_t steps = 0;
      for (ElementId at = id; at != root; at = nodes[at].parent) REQUIRE(steps++ < nodes.size());
    }
  }
};

TEST_CASE("whatever changes places, everything stays below the root", "[swap]") {
  const size_t capacity = GENERATE(1u, 2u, 3u, 4u, 8u);
  const ElementId n = GENERATE(2u, 3u, 5u, 9u, 40u);
  for (unsigned seed = 0; seed < 20; seed++) {
    Tree tree(n, capacity, seed);
    std::mt19937 random(seed + 1000);
    for (int i = 0; i < 100; i++) {
      const ElementId id = random() % n;
      if (id == tree.root) continue;
      tree.Apply(id, tree.Plan(id));
      tree.Check();
    }
  }
}

TEST_CASE("any element becomes the root", "[swap]") {
  for (unsigned seed = 0; seed < 50; seed++) {
    Tree tree(30, 3, seed);
    const ElementId id = 29;
    int steps = 0;
    while (id != tree.root) {
      tree.Apply(id, tree.Plan(id));
      tree.Check();
      REQUIRE(++steps <= 30);
    }
  }
}

TEST_CASE("who gives way", "[swap]") {
  const ElementId links[] = {4, 5, 6};
  SwapView view = {1, 0, links, 3, 3, false};
  std::vector<ElementId> parents = {9, 9, 9, 9, 1, 1, 1};
  std::set<ElementId> dead;
  const auto plan = [&] {
    return PlanSwap(view, [&](ElementId id) {
      return SwapNeighbour{parents[id], dead.count(id) > 0};
    });
  };
  SECTION("a child, where there is nothing else") {
    CHECK(plan().over == 4);
    CHECK(plan().displaced == 4);
    CHECK_FALSE(plan().add);
  }
  SECTION("a dead child before a live one") {
    dead = {5};
    CHECK(plan().over == 5);
    CHECK(plan().displaced == 5);
  }
  SECTION("who is no child before a dead one") {
    dead = {4, 5};
    parents[6] = 9;
    CHECK(plan().over == 6);
    CHECK(plan().displaced == kNoId);
  }
  SECTION("nobody, where there is room") {
    view.capacity = 4;
    CHECK(plan().add);
    CHECK(plan().over == kNoId);
    CHECK(plan().displaced == kNoId);
  }
  SECTION("nobody, where the parent is a neighbour") {
    view.parent = 5;
    CHECK_FALSE(plan().add);
    CHECK(plan().over == kNoId);
  }
  SECTION("nobody, where the grandparent links to the element") {
    view.linked_by_grandparent = true;
    CHECK(plan().moves_up);
    CHECK_FALSE(plan().add);
    CHECK(plan().over == kNoId);
  }
}

}  // namespace
}  // namespace hnswpg
