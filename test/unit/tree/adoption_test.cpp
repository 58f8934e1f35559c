// Elements whose parents die get living ones, whatever the tree: at no moment does anything fall
// out of it, and nobody comes under itself.
#include "hnswpg/core/tree/adoption.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>
#include <vector>

#include "hnswpg/core/tree/chains.h"
#include "tree/tree_testing.h"

namespace hnswpg {
namespace {

// Adopts as cleanup does, on a tree in memory whose root is alive.
class Adopter {
 public:
  explicit Adopter(Tree* tree) : tree_(*tree), up_(tree->nodes.size()) {}

  void Run() {
    for (bool parts_hold = false; !parts_hold; rounds++) {
      // Each takes a dead element down by one at least.
      REQUIRE(rounds <= static_cast<int>(tree_.nodes.size() * tree_.nodes.size()));
      std::vector<ElementId> orphans = PlaceInParts();
      parts_hold = AdoptAll(
                       orphans.data(), orphans.size(), [this](ElementId id) { return Near(id); },
                       [this](ElementId id) { return Anywhere(id); }) == Adoption::kDone;
    }
  }

  int rounds = 0;
  int raised = 0;

 private:
  bool IsAlive(ElementId id) const { return !tree_.nodes[id].dead; }
  bool IsOrphan(ElementId id) const {
    return IsAlive(id) && id != tree_.root && !IsAlive(tree_.nodes[id].parent);
  }

  std::vector<ElementId> PlaceInParts() {
    std::vector<ElementId> orphans;
    for (ElementId id = 0; id < tree_.nodes.size(); id++) {
      const bool top = id == tree_.root || !IsAlive(id) || IsOrphan(id);
      up_[id] = top ? id : tree_.nodes[id].parent;
      if (IsOrphan(id)) orphans.push_back(id);
    }
    return orphans;
  }

  bool Try(ElementId parent, ElementId orphan) {
    const auto step = [this](ElementId at) -> ElementId& { return up_[at]; };
    const ElementId end = static_cast<ElementId>(up_.size());
    if (!IsAlive(parent) || TopOfPart(parent, end, step) != tree_.root) return false;
    Node& node = tree_.nodes[parent];
    if (!node.Has(orphan)) {
      const auto spare = std::find_if(node.links.begin(), node.links.end(), [&](ElementId to) {
        return tree_.nodes[to].parent != parent;
      });
      if (node.links.size() < tree_.capacity) {
        node.links.push_back(orphan);
      } else if (spare != node.links.end()) {
        *spare = orphan;
      } else {
        return false;
      }
    }
    tree_.nodes[orphan].parent = parent;
    up_[orphan] = parent;
    tree_.Check();
    return true;
  }

  Adoption Near(ElementId orphan) {
    for (ElementId to : tree_.nodes[orphan].links) {
      if (Try(to, orphan)) return Adoption::kDone;
    }
    return Adoption::kFailed;
  }

  bool Anywhere(ElementId orphan) {
    for (ElementId at = tree_.root; !Try(at, orphan);) {
      const std::vector<ElementId>& links = tree_.nodes[at].links;
      const auto child = std::find_if(links.begin(), links.end(), [&](ElementId to) {
        return IsAlive(to) && tree_.nodes[to].parent == at;
      });
      if (child == links.end()) return Raise(orphan);
      at = *child;
    }
    return true;
  }

  bool Raise(ElementId orphan) {
    raised++;
    bool parts_hold = true;
    while (IsOrphan(orphan)) {
      const SwapPlan plan = tree_.Plan(orphan);
      tree_.Apply(orphan, plan);
      tree_.Check();
      parts_hold &= plan.displaced == kNoId || !IsAlive(plan.displaced);
    }
    up_[orphan] = orphan == tree_.root ? orphan : tree_.nodes[orphan].parent;
    return parts_hold;
  }

  Tree& tree_;
  std::vector<ElementId> up_;
};

// Every living element's chain of parents is alive up to the root.
void CheckParents(const Tree& tree) {
  tree.Check();
  for (ElementId id = 0; id < tree.nodes.size(); id++) {
    if (tree.nodes[id].dead || id == tree.root) continue;
    REQUIRE_FALSE(tree.nodes[tree.nodes[id].parent].dead);
  }
}

TEST_CASE("adoption: whoever dies, the living have living parents", "[adoption]") {
  const size_t capacity = GENERATE(1u, 2u, 3u, 6u);
  // Lists of one make a chain, which takes many rounds.
  const ElementId n = capacity == 1 ? 15 : GENERATE(2u, 5u, 30u, 100u);
  for (unsigned seed = 0; seed < 20; seed++) {
    Tree tree(n, capacity, seed);
    tree.nodes[tree.root].dead = false;
    Adopter(&tree).Run();
    CheckParents(tree);
  }
}

TEST_CASE("adoption: nearly all are dead, and no list has room", "[adoption]") {
  int raised = 0, again = 0;
  for (unsigned seed = 0; seed < 200; seed++) {
    Tree tree(60, 2, seed);
    std::mt19937 random(seed);
    for (Node& node : tree.nodes) node.dead = random() % 8 != 0;
    tree.nodes[tree.root].dead = false;
    Adopter adopter(&tree);
    adopter.Run();
    CheckParents(tree);
    raised += adopter.raised;
    again += adopter.rounds > 1 ? 1 : 0;
  }
  // What seldom happens has happened.
  REQUIRE(raised > 0);
  REQUIRE(again > 0);
}

TEST_CASE("adoption: one after another, as they come into reach", "[adoption]") {
  // Of a chain the last has the only neighbour in the root's part.
  std::vector<ElementId> orphans = {1, 2, 3, 4};
  std::vector<ElementId> adopted;
  const auto near = [&](ElementId id) {
    if (adopted.size() + id != 4) return Adoption::kFailed;
    adopted.push_back(id);
    return Adoption::kDone;
  };
  const auto anywhere = [](ElementId) { return false; };
  REQUIRE(AdoptAll(orphans.data(), orphans.size(), near, anywhere) == Adoption::kDone);
  REQUIRE(adopted == std::vector<ElementId>{4, 3, 2, 1});
}

TEST_CASE("adoption: what has to stop stops", "[adoption]") {
  std::vector<ElementId> orphans = {1, 2, 3};
  int asked = 0;
  const auto near = [&](ElementId) { return ++asked == 2 ? Adoption::kStopped : Adoption::kDone; };
  const auto anywhere = [](ElementId) { return true; };
  REQUIRE(AdoptAll(orphans.data(), orphans.size(), near, anywhere) == Adoption::kStopped);
  REQUIRE(asked == 2);
}

}  // namespace
}  // namespace hnswpg
