// A tree of parents in memory, as lists on pages hold it: random, with full lists, and some of
// its elements dead. What is decided of it is applied as it is on pages.
#ifndef HNSWPG_TEST_UNIT_TREE_TESTING_H_
#define HNSWPG_TEST_UNIT_TREE_TESTING_H_

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <set>
#include <vector>

#include "hnswpg/core/tree/swap.h"

namespace hnswpg {

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

}  // namespace hnswpg

#endif  // HNSWPG_TEST_UNIT_TREE_TESTING_H_
