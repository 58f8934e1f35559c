// Places that change in the tree of parents: whatever is done, everything can be reached,
// and no list is longer than it may be.
#include "hnswpg/core/tree/swap.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>
#include <vector>

#include "tree/tree_testing.h"

namespace hnswpg {
namespace {

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
