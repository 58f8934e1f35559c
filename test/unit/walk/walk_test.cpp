// The walk over a graph in memory, against a plain best-first search.
#include "hnswpg/core/walk/walk.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <functional>
#include <queue>
#include <random>
#include <set>
#include <vector>

#include "memory/malloc_arena.h"

namespace hnswpg {
namespace {

// Points on a line, each linked to some near and some random others.
struct LineGraph {
  std::vector<float> at;
  std::vector<std::vector<ElementId>> links;
  std::set<ElementId> dead;
  float query = 0;

  LineGraph(int n, unsigned seed) : at(n), links(n) {
    std::mt19937 random(seed);
    for (int i = 0; i < n; i++) at[i] = static_cast<float>(i) + (random() % 100) / 250.0f;
    for (int i = 0; i < n; i++) {
      std::set<ElementId> to;
      for (int j = std::max(0, i - 2); j <= std::min(n - 1, i + 2); j++) to.insert(j);
      for (int k = 0; k < 3; k++) to.insert(random() % n);
      to.erase(i);
      links[i].assign(to.begin(), to.end());
    }
  }

  float DistanceTo(ElementId id) const { return std::abs(at[id] - query); }
  int ReadLinks(ElementId id, int, ElementId* out) {
    std::copy(links[id].begin(), links[id].end(), out);
    return static_cast<int>(links[id].size());
  }
  void Measure(const ElementId* ids, int n, Measured* out) {
    for (int i = 0; i < n; i++) out[i] = {DistanceTo(ids[i]), dead.count(ids[i]) > 0};
  }
  void PrefetchLinks(ElementId, int) {}
};

// Algorithm 2 as the paper has it, with hnswlib's treatment of what must not be
// found.
std::set<ElementId> PlainSearch(const LineGraph& graph, ElementId entry, size_t ef) {
  using Item = std::pair<float, ElementId>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> open;
  std::priority_queue<Item> best;
  std::set<ElementId> seen = {entry};
  open.push({graph.DistanceTo(entry), entry});
  if (!graph.dead.count(entry)) best.push({graph.DistanceTo(entry), entry});
  while (!open.empty()) {
    const Item item = open.top();
    if (best.size() == ef && item.first > best.top().first) break;
    open.pop();
    for (ElementId other : graph.links[item.second]) {
      if (!seen.insert(other).second) continue;
      const float distance = graph.DistanceTo(other);
      if (best.size() == ef && !(distance < best.top().first)) continue;
      open.push({distance, other});
      if (graph.dead.count(other)) continue;
      best.push({distance, other});
      if (best.size() > ef) best.pop();
    }
  }
  std::set<ElementId> ids;
  for (; !best.empty(); best.pop()) ids.insert(best.top().second);
  return ids;
}

// A walk of a graph, and what it needs.
template <class Graph>
struct WalkOf {
  explicit WalkOf(Graph* graph) : walk(graph, memory.arena(), &visited, &budget) {}
  MallocArena memory;
  VisitedBits visited{memory.arena()};
  Budget budget;
  Walk<Graph> walk;
};

std::vector<ElementId> TakeFound(Walk<LineGraph>* walk) {
  std::vector<ElementId> ids;
  while (!walk->found().empty()) ids.push_back(walk->found().Pop().id);
  return ids;
}

TEST_CASE("a search finds what the plain algorithm finds", "[walk]") {
  const size_t ef = GENERATE(1u, 2u, 10u, 64u);
  const bool with_dead = GENERATE(false, true);
  LineGraph graph(500, 3);
  if (with_dead) {
    for (ElementId id = 0; id < 500; id += 3) graph.dead.insert(id);
  }
  WalkOf<LineGraph> of(&graph);
  Walk<LineGraph>& walk = of.walk;
  std::mt19937 random(4);
  for (int i = 0; i < 50; i++) {
    graph.query = static_cast<float>(random() % 50000) / 100.0f;
    const ElementId entry = random() % 500;
    walk.Search(entry, 0, ef);
    const std::vector<ElementId> found = TakeFound(&walk);
    REQUIRE(std::set<ElementId>(found.begin(), found.end()) == PlainSearch(graph, entry, ef));
    REQUIRE(of.budget.measured() >= found.size());
    // Farthest first.
    REQUIRE(std::is_sorted(found.rbegin(), found.rend(), [&](ElementId a, ElementId b) {
      return graph.DistanceTo(a) < graph.DistanceTo(b);
    }));
  }
}

TEST_CASE("a search that goes on finds everything, once", "[walk]") {
  LineGraph graph(300, 5);
  graph.query = 77;
  WalkOf<LineGraph> of(&graph);
  Walk<LineGraph>& walk = of.walk;
  walk.Search(250, 0, 7);
  std::vector<ElementId> all = TakeFound(&walk);
  REQUIRE(all.size() == 7);
  while (walk.Resume(0, 7)) {
    const std::vector<ElementId> more = TakeFound(&walk);
    REQUIRE(more.size() <= 7);
    all.insert(all.end(), more.begin(), more.end());
  }
  std::sort(all.begin(), all.end());
  REQUIRE(std::unique(all.begin(), all.end()) == all.end());
  REQUIRE(all.size() == 300);
}

TEST_CASE("a search goes on no further than it may", "[walk]") {
  LineGraph graph(3000, 5);
  graph.query = 1500;
  WalkOf<LineGraph> of(&graph);
  Walk<LineGraph>& walk = of.walk;
  walk.Search(0, 0, 10);
  const size_t limit = of.budget.measured() + 200;
  of.budget.set_limit(limit);
  walk.found().Clear();
  REQUIRE(walk.Resume(0, 1000));
  // It stops after the element at which the limit is passed.
  REQUIRE(of.budget.measured() >= limit);
  REQUIRE(of.budget.measured() < limit + 8);
  REQUIRE(!walk.found().empty());
}

TEST_CASE("the dead are walked through and not found", "[walk]") {
  // A chain whose middle is dead.
  LineGraph graph(100, 6);
  for (int i = 0; i < 100; i++) {
    graph.links[i].clear();
    if (i > 0) graph.links[i].push_back(i - 1);
    if (i < 99) graph.links[i].push_back(i + 1);
  }
  for (ElementId id = 20; id < 80; id++) graph.dead.insert(id);
  graph.query = 99;
  WalkOf<LineGraph> of(&graph);
  Walk<LineGraph>& walk = of.walk;
  walk.Search(0, 0, 200);
  const std::vector<ElementId> found = TakeFound(&walk);
  REQUIRE(found.size() == 40);
  REQUIRE(std::none_of(found.begin(), found.end(),
                       [&](ElementId id) { return graph.dead.count(id) > 0; }));
}

TEST_CASE("a search that goes on walks through the dead it has passed by", "[walk]") {
  // Near the query lie the first ten; the rest is behind a dead element that is
  // farther from the query than all of them.
  LineGraph graph(40, 10);
  for (int i = 0; i < 40; i++) {
    graph.links[i].clear();
    if (i > 0) graph.links[i].push_back(i - 1);
    if (i < 39) graph.links[i].push_back(i + 1);
  }
  graph.dead = {10};
  graph.query = 0;
  WalkOf<LineGraph> of(&graph);
  Walk<LineGraph>& walk = of.walk;
  walk.Search(5, 0, 5);
  size_t found = TakeFound(&walk).size();
  while (walk.Resume(0, 5)) found += TakeFound(&walk).size();
  REQUIRE(found == 39);
}

TEST_CASE("a dead entry point is no result", "[walk]") {
  LineGraph graph(10, 7);
  graph.dead = {4};
  WalkOf<LineGraph> of(&graph);
  Walk<LineGraph>& walk = of.walk;
  graph.query = graph.at[4];
  walk.Search(4, 0, 3);
  REQUIRE(walk.found().size() == 3);
  for (ElementId id : TakeFound(&walk)) REQUIRE(id != 4);
}

TEST_CASE("excluded elements are neither found nor walked through", "[walk]") {
  LineGraph graph(3, 8);
  graph.links = {{1}, {0, 2}, {1}};
  WalkOf<LineGraph> of(&graph);
  Walk<LineGraph>& walk = of.walk;
  graph.query = 2;
  walk.Begin();
  walk.Exclude(1);
  walk.Continue(0, 0, 10);
  REQUIRE(TakeFound(&walk) == std::vector<ElementId>{0});
}

TEST_CASE("greedy steps end at a local minimum", "[walk]") {
  LineGraph graph(400, 9);
  WalkOf<LineGraph> of(&graph);
  Walk<LineGraph>& walk = of.walk;
  for (int q = 0; q < 400; q += 13) {
    graph.query = static_cast<float>(q);
    walk.Begin();
    const ElementId end = walk.Descend(0, 2, 1);
    for (ElementId other : graph.links[end]) {
      REQUIRE(graph.DistanceTo(other) >= graph.DistanceTo(end));
    }
  }
}

// Refuses a set of elements, and counts what it is asked.
struct Refusing {
  std::set<ElementId> refused;
  std::set<ElementId> asked;
  int n_asked = 0;
  Judge judge{&Ask, this};

  static void Ask(void* arg, const ElementId* ids, int n, bool* may_be_found) {
    Refusing* self = static_cast<Refusing*>(arg);
    REQUIRE(n > 0);
    REQUIRE(n <= kMaxLinks);
    for (int i = 0; i < n; i++) {
      self->asked.insert(ids[i]);
      may_be_found[i] = self->refused.count(ids[i]) == 0;
    }
    self->n_asked += n;
  }
};

TEST_CASE("what a judge refuses is walked through and not found", "[walk]") {
  const size_t ef = GENERATE(1u, 2u, 10u, 64u);
  const unsigned keep_each = GENERATE(1u, 2u, 10u, 100u);
  LineGraph graph(500, 3);
  LineGraph refusing = graph;  // to the plain search, what is refused is dead
  Refusing judge;
  for (ElementId id = 0; id < 500; id++) {
    if (id % keep_each == 0) continue;
    judge.refused.insert(id);
    refusing.dead.insert(id);
  }
  WalkOf<LineGraph> of(&graph);
  Walk<LineGraph>& walk = of.walk;
  walk.set_judge(&judge.judge);
  std::mt19937 random(6);
  for (int i = 0; i < 50; i++) {
    graph.query = refusing.query = static_cast<float>(random() % 50000) / 100.0f;
    const ElementId entry = random() % 500;
    judge.n_asked = 0;
    walk.Search(entry, 0, ef);
    // No more often than there was something to ask about, and not about the dead.
    REQUIRE(judge.n_asked <= static_cast<int>(of.budget.measured()));
    const std::vector<ElementId> found = TakeFound(&walk);
    REQUIRE(std::set<ElementId>(found.begin(), found.end()) == PlainSearch(refusing, entry, ef));
  }
}

TEST_CASE("a judge is asked about what is near, and not about the dead", "[walk]") {
  LineGraph graph(500, 3);
  for (ElementId id = 0; id < 500; id += 3) graph.dead.insert(id);
  graph.query = 250;
  Refusing judge;
  WalkOf<LineGraph> of(&graph);
  Walk<LineGraph>& walk = of.walk;
  walk.set_judge(&judge.judge);
  walk.Search(250, 0, 5);
  REQUIRE(judge.n_asked < static_cast<int>(of.budget.measured()) / 2);
  for (ElementId id : judge.asked) REQUIRE_FALSE(graph.dead.count(id));
}

TEST_CASE("a search that goes on finds all that a judge lets be found, once", "[walk]") {
  const size_t ef = GENERATE(1u, 7u, 100u);
  LineGraph graph(300, 5);
  graph.query = 77;
  Refusing judge;
  std::set<ElementId> left;
  for (ElementId id = 0; id < 300; id++) {
    if (id % 5 == 0) {
      left.insert(id);
    } else {
      judge.refused.insert(id);
    }
  }
  WalkOf<LineGraph> of(&graph);
  Walk<LineGraph>& walk = of.walk;
  walk.set_judge(&judge.judge);
  walk.Search(0, 0, ef);
  std::multiset<ElementId> found;
  for (int rounds = 0; rounds < 1000; rounds++) {
    for (ElementId id : TakeFound(&walk)) found.insert(id);
    if (!walk.Resume(0, ef)) break;
  }
  REQUIRE(found == std::multiset<ElementId>(left.begin(), left.end()));
}

// A graph that has its neighbours' distances at hand.
struct ExpandingGraph : LineGraph {
  using LineGraph::LineGraph;
  int ReadLinks(ElementId, int, ElementId*) { throw "is not asked"; }
  int Expand(ElementId id, int level, VisitedBits* of_walk, ElementId* ids, Measured* out) {
    int n = LineGraph::ReadLinks(id, level, ids);
    if (of_walk != nullptr) n = of_walk->InsertAll(ids, n);
    Measure(ids, n, out);
    return n;
  }
};

TEST_CASE("a graph may give neighbours and distances at once", "[walk]") {
  ExpandingGraph graph(500, 3);
  WalkOf<ExpandingGraph> of(&graph);
  Walk<ExpandingGraph>& walk = of.walk;
  graph.query = 123.4f;
  const ElementId entry = walk.Descend(7, 1, 1);
  walk.Search(entry, 0, 10);
  std::set<ElementId> found;
  while (!walk.found().empty()) found.insert(walk.found().Pop().id);
  REQUIRE(found == PlainSearch(graph, entry, 10));
}

}  // namespace
}  // namespace hnswpg
