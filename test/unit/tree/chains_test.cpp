// Chains of parents: circles are found, and the tops of parts.
#include "hnswpg/core/tree/chains.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>
#include <vector>

namespace hnswpg {
namespace {

struct Chains {
  std::vector<ElementId> parent;
  std::vector<Chain> chain;
  std::vector<bool> outside;
  size_t looks = 0;

  explicit Chains(std::vector<ElementId> parents)
      : parent(std::move(parents)),
        chain(parent.size(), Chain::kUnknown),
        outside(parent.size(), false) {}

  ElementId Find(ElementId id) {
    return FindCircle(
        id, [this](ElementId at) { return at < parent.size() && !outside[at]; },
        [this](ElementId at) {
          looks++;
          return parent[at];
        },
        [this](ElementId at) -> Chain& { return chain[at]; });
  }
  ElementId FindAny() {
    for (ElementId id = 0; id < parent.size(); id++) {
      const ElementId circle = Find(id);
      if (circle != kNoId) return circle;
    }
    return kNoId;
  }
};

std::vector<ElementId> RandomParents(ElementId n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<ElementId> parents(n, kNoId);
  for (ElementId id = 1; id < n; id++) parents[id] = random() % id;
  return parents;
}

TEST_CASE("a tree has no circle, and each element is looked at twice at most", "[chains]") {
  const ElementId n = GENERATE(1u, 2u, 10u, 1000u);
  Chains chains(RandomParents(n, n));
  REQUIRE(chains.FindAny() == kNoId);
  REQUIRE(chains.looks <= 2 * n);
  for (Chain chain : chains.chain) REQUIRE(chain == Chain::kEnds);
}

TEST_CASE("a circle is found wherever it is", "[chains]") {
  for (unsigned seed = 0; seed < 100; seed++) {
    std::mt19937 random(seed);
    std::vector<ElementId> parents = RandomParents(200, seed);
    // An element high up comes under one of those below it.
    const ElementId low = 100 + random() % 100;
    std::vector<ElementId> above;
    for (ElementId at = low; at != kNoId; at = parents[at]) above.push_back(at);
    const size_t to = random() % above.size();
    parents[above[to]] = low;
    Chains chains(parents);
    const ElementId circle = chains.FindAny();
    REQUIRE(circle != kNoId);
    // It is one of the circle.
    ElementId at = parents[circle];
    for (size_t steps = 0; at != circle; at = parents[at]) REQUIRE(steps++ < above.size());
  }
}

TEST_CASE("an element that is its own parent is a circle", "[chains]") {
  Chains chains({kNoId, 0, 2});
  CHECK(chains.Find(1) == kNoId);
  CHECK(chains.Find(2) == 2);
}

TEST_CASE("chains end outside of the graph", "[chains]") {
  Chains chains({1, 0, 1, 1000});
  chains.outside[1] = true;
  CHECK(chains.FindAny() == kNoId);
}

TEST_CASE("the top of a part, however far, and steps that get longer", "[chains]") {
  std::vector<ElementId> up(1000);
  for (ElementId id = 0; id < 1000; id++) up[id] = id % 100 == 0 ? id : id - 1;
  size_t steps = 0;
  const auto top = [&](ElementId id) {
    return TopOfPart(id, 1000, [&](ElementId at) -> ElementId& {
      steps++;
      return up[at];
    });
  };
  CHECK(top(99) == 0);
  CHECK(top(100) == 100);
  CHECK(top(999) == 900);
  steps = 0;
  for (int i = 0; i < 10; i++) CHECK(top(99) == 0);
  CHECK(steps < 1000);
  steps = 0;
  CHECK(top(99) == 0);
  CHECK(steps <= 5);
  CHECK(top(5000) == 5000);  // of which nothing is known
}

}  // namespace
}  // namespace hnswpg
