// GraphBuilder going on with a graph that exists: against hnswlib going on with its own index, and
// against what it promises of dead elements, entry points, memory and bad input.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "build/graph_testing.h"
#include "core/build/hnswlib_graph.h"
#include "core/build/hnswlib_space.h"
#include "hnswpg/core/build/graph_builder.h"

namespace hnswpg {
namespace {

// A graph as it might have been read from somewhere.
struct Graph {
  uint32_t size() const { return static_cast<uint32_t>(lists.size()); }
  int Level(uint32_t id) const { return static_cast<int>(lists[id].size()) - 1; }

  std::vector<std::vector<std::vector<uint32_t>>> lists;  // by id and level
  Dead dead;
  uint32_t entry = 0;
};

Graph GraphOf(const GraphBuilder& builder) {
  Graph graph;
  graph.lists.resize(builder.size());
  for (uint32_t id = 0; id < builder.size(); id++) {
    for (int level = 0; level <= builder.Level(id); level++) {
      graph.lists[id].push_back(Links(builder, id, level));
    }
  }
  graph.dead.resize(builder.size());
  graph.entry = builder.entry_point();
  return graph;
}

// The first n codes, built at once.
Graph BuildFirst(const Codes& codes, uint32_t n) {
  Codes first(codes.space());
  for (uint32_t i = 0; i < n; i++) first.AppendCode(codes[i]);
  return GraphOf(*Build(first, Options(1, n)));
}

Builder Create(const Codes& codes, const BuildOptions& options) {
  Builder builder(GraphBuilder::Create(codes.space(), options));
  REQUIRE(builder != nullptr);
  return builder;
}

void LoadElements(GraphBuilder* builder, const Graph& graph, const Codes& codes) {
  for (uint32_t id = 0; id < graph.size(); id++) {
    REQUIRE(builder->LoadElement(codes[id], graph.Level(id), graph.dead[id]) == BuildStatus::kOk);
  }
}

void LoadLists(GraphBuilder* builder, const Graph& graph) {
  for (uint32_t id = 0; id < graph.size(); id++) {
    for (int level = 0; level <= graph.Level(id); level++) {
      const std::vector<uint32_t>& list = graph.lists[id][static_cast<size_t>(level)];
      int n = static_cast<int>(list.size());
      REQUIRE(builder->LoadLinks(id, level, list.data(), n) == BuildStatus::kOk);
    }
  }
  REQUIRE(builder->LoadEntry(graph.entry) == BuildStatus::kOk);
}

std::vector<int> Levels(int m, uint32_t n) {
  LevelGenerator generator(m);
  std::vector<int> levels(n);
  for (int& level : levels) level = generator.Next();
  return levels;
}

// Loads the graph and adds the rest of the codes.
Builder Extend(const Graph& graph, const Codes& codes, const std::vector<int>& levels,
               const BuildOptions& options) {
  Builder builder = Create(codes, options);
  LoadElements(builder.get(), graph, codes);
  LoadLists(builder.get(), graph);
  for (uint32_t i = graph.size(); i < codes.size(); i++) {
    REQUIRE(builder->Add(codes[i], levels[i]) == BuildStatus::kOk);
  }
  Drain(builder.get());
  REQUIRE(builder->Finish() == BuildStatus::kOk);
  REQUIRE(builder->size() == codes.size());
  REQUIRE(builder->linked() == codes.size());
  CheckLists(*builder, options.m);
  for (uint32_t id = 0; id < codes.size(); id++) {
    REQUIRE(builder->Level(id) == (id < graph.size() ? graph.Level(id) : levels[id]));
    REQUIRE(memcmp(builder->Code(id), codes[id], codes.space().code_bytes()) == 0);
    REQUIRE(builder->Parent(id) == GraphBuilder::kNoParent);
  }
  REQUIRE(builder->max_level() == builder->Level(builder->entry_point()));
  return builder;
}

// Elements that none but dead ones led to would be lost when those go.
void CheckDeadNeverChosen(const GraphBuilder& builder, const Graph& graph) {
  for (uint32_t id = 0; id < builder.size(); id++) {
    for (int level = 0; level <= builder.Level(id); level++) {
      for (uint32_t to : Links(builder, id, level)) {
        if (id >= graph.size()) REQUIRE((to >= graph.size() || !graph.dead[to]));
        if (to >= graph.size()) REQUIRE((id >= graph.size() || !graph.dead[id]));
      }
    }
  }
}

struct Hnswlib {
  Hnswlib(const Codes& codes, const BuildOptions& options)
      : space(codes.space(), codes.stride_bytes()),
        index(&space, codes.size(), static_cast<size_t>(options.m),
              static_cast<size_t>(options.ef_construction), kGraphSeed) {}

  std::vector<uint32_t> Links(uint32_t id, int level) const {
    auto* list = index.get_linklist_at_level(id, level);
    return {list + 1, list + 1 + index.getListCount(list)};
  }

  Graph Copy() const {
    Graph graph;
    graph.lists.resize(index.cur_element_count);
    for (uint32_t id = 0; id < graph.size(); id++) {
      for (int level = 0; level <= index.element_levels_[id]; level++) {
        graph.lists[id].push_back(Links(id, level));
      }
      graph.dead.push_back(index.isMarkedDeleted(id));
    }
    graph.entry = index.enterpoint_node_;
    return graph;
  }

  HnswlibSpace space;
  hnswlib::HierarchicalNSW<float> index;
};

TEST_CASE("graph load: one thread goes on as hnswlib goes on") {
  int m = GENERATE(3, 8, 40);
  uint32_t n_old = GENERATE(1u, 10u, 700u);
  bool some_dead = GENERATE(false, true);
  uint32_t dim = GENERATE(17u, 24u);
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, dim), 1500);
  BuildOptions options = LikeHnswlib(Options(1, codes.size()));
  options.m = m;
  options.ef_construction = 2 * m;
  Hnswlib hnswlib(codes, options);
  for (uint32_t i = 0; i < n_old; i++) hnswlib.index.addPoint(codes[i], i);
  for (uint32_t i = 0; some_dead && i < n_old; i += 3) {
    // What hnswlib does with a dead entry point is another matter.
    if (i != hnswlib.index.enterpoint_node_) hnswlib.index.markDelete(i);
  }
  Graph graph = hnswlib.Copy();
  Builder builder = Extend(graph, codes, Levels(m, codes.size()), options);
  CheckDeadNeverChosen(*builder, graph);

  for (uint32_t i = n_old; i < codes.size(); i++) hnswlib.index.addPoint(codes[i], i);
  CHECK(builder->entry_point() == hnswlib.index.enterpoint_node_);
  for (uint32_t id = 0; id < codes.size(); id++) {
    REQUIRE(builder->Level(id) == hnswlib.index.element_levels_[id]);
    for (int level = 0; level <= builder->Level(id); level++) {
      REQUIRE(Links(*builder, id, level) == hnswlib.Links(id, level));
    }
  }
}

TEST_CASE("graph load: recall as if all had been built at once") {
  int threads = GENERATE(1, 2, 3);
  uint32_t n_old = GENERATE(20u, 2500u, 4900u);
  uint32_t expected = n_old == 2500 ? 10 : 5000;  // few: room is made while loading, and later
  CodeSpace space(Metric::kCosine, Quantization::kInt8, 16);
  Codes codes = Random(space, 5000);
  Codes queries = Random(space, 300, 2);
  Builder at_once = Build(codes, Options(1, codes.size()));
  Builder extended =
      Extend(BuildFirst(codes, n_old), codes, Levels(8, codes.size()), Options(threads, expected));
  double base = Recall(*at_once, codes, queries);
  double recall = Recall(*extended, codes, queries);
  CAPTURE(base, recall);
  CHECK(base > 0.9);
  CHECK(recall > base - 0.01);
}

TEST_CASE("graph load: nothing but loaded comes back as it was") {
  int threads = GENERATE(1, 3);
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kNone, 7), 800);
  Graph graph = BuildFirst(codes, codes.size());
  for (uint32_t id = 0; id < graph.size(); id += 5) graph.dead[id] = true;
  graph.dead[graph.entry] = true;
  Builder builder = Extend(graph, codes, {}, Options(threads, 800));
  CHECK(builder->entry_point() == graph.entry);
  CHECK(GraphOf(*builder).lists == graph.lists);
}

// Half of the elements, the nearest to a query or every second, the entry point as well.
Dead HalfDead(const Codes& codes, const Graph& graph, bool nearest) {
  Dead dead(graph.size());
  std::vector<Near> order;
  for (uint32_t id = 0; id < graph.size(); id++)
    order.push_back({codes.Distance(id, codes[0]), id});
  if (nearest) std::sort(order.begin(), order.end());
  for (uint32_t i = 0; i < graph.size(); i++) {
    dead[order[i].second] = nearest ? i < graph.size() / 2 : i % 2 == 0;
  }
  dead[graph.entry] = true;
  return dead;
}

TEST_CASE("graph load: dead elements lead on and are never chosen") {
  int threads = GENERATE(1, 3);
  bool nearest = GENERATE(false, true);
  CodeSpace space(Metric::kL2, Quantization::kInt8, 16);
  Codes codes = Random(space, 5000);
  Codes queries = Random(space, 300, 2);
  Graph graph = BuildFirst(codes, 3000);
  graph.dead = HalfDead(codes, graph, nearest);
  Builder builder = Extend(graph, codes, Levels(8, codes.size()), Options(threads, 5000));
  CheckDeadNeverChosen(*builder, graph);

  Codes live(space);
  Dead dead = graph.dead;
  dead.resize(codes.size());
  for (uint32_t id = 0; id < codes.size(); id++) {
    if (!dead[id]) live.AppendCode(codes[id]);
  }
  double base = Recall(*Build(live, Options(1, live.size())), live, queries);
  double recall = Recall(*builder, codes, queries, dead);
  CAPTURE(base, recall);
  CHECK(recall > base - 0.01);
}

TEST_CASE("graph load: a dead entry point stays until an element rises above the live ones") {
  int threads = GENERATE(1, 3);
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 8), 600);
  Graph graph = BuildFirst(codes, 500);
  int highest_live = 0;
  for (uint32_t id = 0; id < graph.size(); id++) {
    graph.dead[id] = graph.Level(id) > 1;
    if (!graph.dead[id]) highest_live = std::max(highest_live, graph.Level(id));
  }
  REQUIRE(graph.dead[graph.entry]);
  REQUIRE(highest_live == 1);
  std::vector<int> levels(codes.size());
  levels[520] = 1;  // as high as the live ones, not higher
  Builder same = Extend(graph, codes, levels, Options(threads, 600));
  CHECK(same->entry_point() == graph.entry);
  CHECK(same->max_level() == graph.Level(graph.entry));
  CheckDeadNeverChosen(*same, graph);
  levels[550] = 2;
  Builder other = Extend(graph, codes, levels, Options(threads, 600));
  CHECK(other->entry_point() == 550);
  CHECK(other->max_level() == 2);
  CheckDeadNeverChosen(*other, graph);
}

TEST_CASE("graph load: where all are dead, what is added is a graph of its own") {
  int threads = GENERATE(1, 2, 3);
  CodeSpace space(Metric::kL2, Quantization::kInt8, 16);
  Codes codes = Random(space, 5000);
  Codes queries = Random(space, 200, 2);
  uint32_t n_old = 2000;
  Graph graph = BuildFirst(codes, n_old);
  graph.dead.assign(n_old, true);
  std::vector<int> levels = Levels(8, codes.size());
  Builder builder = Extend(graph, codes, levels, Options(threads, 5000));
  CheckDeadNeverChosen(*builder, graph);
  CHECK(builder->max_level() == *std::max_element(levels.begin() + n_old, levels.end()));
  CHECK(builder->entry_point() >= n_old);
  Graph after = GraphOf(*builder);
  after.lists.resize(n_old);
  CHECK(after.lists == graph.lists);
  Dead dead = graph.dead;
  dead.resize(codes.size());
  CHECK(Recall(*builder, codes, queries, dead) > 0.9);
}

// Two elements on level 1; one is dead, has lost its lists, and is the nearest to everything added.
TEST_CASE("graph load: a walk that ends at a dead element without links begins again") {
  int threads = GENERATE(1, 3);
  int level = GENERATE(0, 1, 2);
  CodeSpace space(Metric::kL2, Quantization::kNone, 2);
  Codes codes(space);
  codes.Append({0, 0});
  codes.Append({10, 10});
  codes.Append({10, 11});
  Graph graph;
  graph.lists = {{{1}, {1}}, {{}, {}}};
  graph.dead = {false, true};
  Builder builder = Extend(graph, codes, {0, 0, level}, Options(threads, 3));
  CHECK(Links(*builder, 2, 0) == std::vector<uint32_t>{0});
  CHECK(Links(*builder, 0, 0) == std::vector<uint32_t>{1, 2});
  CHECK(Links(*builder, 1, 0).empty());
  if (level > 0) CHECK(Links(*builder, 2, 1) == std::vector<uint32_t>{0});
  CHECK(builder->entry_point() == (level == 2 ? 2u : 0u));
}

TEST_CASE("graph load: the entry point need not be of the highest level") {
  int threads = GENERATE(1, 3);
  CodeSpace space(Metric::kL2, Quantization::kInt8, 16);
  Codes codes = Random(space, 4000);
  Codes queries = Random(space, 200, 2);
  Graph graph = BuildFirst(codes, 2000);
  int highest = graph.Level(graph.entry);
  REQUIRE(highest >= 3);
  for (uint32_t id = 0; id < graph.size(); id++) {
    if (graph.Level(id) == 1) graph.entry = id;
  }
  std::vector<int> levels = Levels(8, codes.size());
  SECTION("nothing added is higher") {
    for (int& level : levels) level = std::min(level, 1);
    Builder builder = Extend(graph, codes, levels, Options(threads, 4000));
    CHECK(builder->entry_point() == graph.entry);
    CHECK(builder->max_level() == 1);
    for (uint32_t id = 0; id < graph.size(); id++) {
      for (int level = 2; level <= graph.Level(id); level++) {
        REQUIRE(Links(*builder, id, level) == graph.lists[id][static_cast<size_t>(level)]);
      }
    }
    CHECK(Recall(*builder, codes, queries) > 0.9);
  }
  SECTION("an element between the entry point and the highest") {
    std::fill(levels.begin(), levels.end(), 0);
    levels[3000] = highest - 1;
    Builder builder = Extend(graph, codes, levels, Options(threads, 4000));
    CHECK(builder->entry_point() == 3000);
    CHECK(builder->max_level() == highest - 1);
    CHECK(Links(*builder, 3000, highest - 1).empty());
    CHECK(!Links(*builder, 3000, 1).empty());
    CHECK(Recall(*builder, codes, queries) > 0.9);
  }
}

TEST_CASE("graph load: lists that lead one way and many that are empty") {
  int threads = GENERATE(1, 3);
  CodeSpace space(Metric::kL2, Quantization::kInt8, 8);
  Codes codes = Random(space, 3000);
  Graph graph = BuildFirst(codes, 1500);
  for (uint32_t id = 0; id < graph.size(); id++) {
    graph.dead[id] = id % 4 == 1;
    for (std::vector<uint32_t>& list : graph.lists[id]) {
      if (id % 3 == 0) list.clear();
      if (id % 3 == 1) list.resize((list.size() + 1) / 2);
    }
  }
  Builder builder = Extend(graph, codes, Levels(8, codes.size()), Options(threads, 3000));
  CheckDeadNeverChosen(*builder, graph);
}

TEST_CASE("graph load: an empty graph") {
  int threads = GENERATE(1, 3);
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 8), 1000);
  SECTION("nothing is loaded, nothing is added") {
    Builder builder = Create(codes, Options(threads, 0));
    Drain(builder.get());
    CHECK(builder->Finish() == BuildStatus::kOk);
    CHECK(builder->size() == 0);
    CHECK(builder->linked() == 0);
  }
  SECTION("the graph is what is added") {
    std::vector<int> levels = Levels(8, codes.size());
    Builder added = Create(codes, Options(threads, 0));
    for (uint32_t i = 0; i < codes.size(); i++) {
      REQUIRE(added->Add(codes[i], levels[i]) == BuildStatus::kOk);
    }
    Drain(added.get());
    REQUIRE(added->Finish() == BuildStatus::kOk);
    CheckLists(*added, 8);
    CHECK(added->max_level() == *std::max_element(levels.begin(), levels.end()));
  }
}

TEST_CASE("graph load: the limit is kept, and MemoryNeeded says what is enough") {
  int threads = GENERATE(1, 3);
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 64), 3000);
  Graph graph = BuildFirst(codes, 2000);
  for (uint32_t id = 0; id < graph.size(); id += 7) graph.dead[id] = true;
  std::vector<int> levels = Levels(8, codes.size());
  BuildOptions options = Options(threads, codes.size());
  options.memory_limit = 1 << 20;
  options.memory_limit = Create(codes, options)->MemoryNeeded(codes.size());
  SECTION("enough") {
    Builder builder = Extend(graph, codes, levels, options);
    CHECK(builder->memory_used() <= options.memory_limit);
  }
  SECTION("full while loading") {
    options.memory_limit /= 3;
    Builder builder = Create(codes, options);
    CHECK(builder->MemoryNeeded(2000) > options.memory_limit);
    BuildStatus status = BuildStatus::kOk;
    uint32_t id = 0;
    for (; status == BuildStatus::kOk && id < graph.size(); id++) {
      status = builder->LoadElement(codes[id], graph.Level(id), graph.dead[id]);
      REQUIRE(builder->memory_used() <= options.memory_limit);
    }
    CHECK(status == BuildStatus::kFull);
    CHECK(builder->LoadElement(codes[id], 0, false) == BuildStatus::kFull);
    CHECK(builder->Add(codes[id], 0) == BuildStatus::kFull);
  }
  SECTION("full while adding") {
    options.memory_limit = options.memory_limit / 6 * 5;
    Builder builder = Create(codes, options);
    LoadElements(builder.get(), graph, codes);
    LoadLists(builder.get(), graph);
    BuildStatus status = BuildStatus::kOk;
    for (uint32_t id = graph.size(); status == BuildStatus::kOk && id < codes.size(); id++) {
      status = builder->Add(codes[id], levels[id]);
    }
    CHECK(status == BuildStatus::kFull);
    CHECK(builder->size() < codes.size());
    CHECK(builder->size() > graph.size());
    Drain(builder.get());
    REQUIRE(builder->Finish() == BuildStatus::kOk);
    CHECK(builder->memory_used() <= options.memory_limit);
    CheckLists(*builder, 8);
    CheckDeadNeverChosen(*builder, graph);
  }
}

TEST_CASE("graph load: may end at any moment") {
  int threads = GENERATE(1, 3);
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 200), 1500);
  Graph graph = BuildFirst(codes, 1000);
  for (uint32_t id = 0; id < graph.size(); id += 2) graph.dead[id] = true;
  for (int stage = 0; stage < 5; stage++) {
    Builder builder = Create(codes, Options(threads, 1500));
    LoadElements(builder.get(), graph, codes);
    if (stage > 0) LoadLists(builder.get(), graph);
    for (uint32_t i = 1000; stage > 1 && i < 1500; i++) {
      REQUIRE(builder->linked() <= builder->size());
      REQUIRE(builder->Add(codes[i], 0) == BuildStatus::kOk);
    }
    if (stage > 2) Drain(builder.get());
    if (stage > 3) REQUIRE(builder->Finish() == BuildStatus::kOk);
    auto start = std::chrono::steady_clock::now();
    builder.reset();
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    CHECK(seconds.count() < 1);
  }
}

// ---- graphs from elsewhere, which know of no parents ----

// The promises of sealing, and that nothing is lost but links that gave way.
void CheckSealed(const GraphBuilder& builder, const BuildOptions& options) {
  CheckLists(builder, options.m);
  for (uint32_t id = 0; id < builder.size(); id++) {
    if (id == builder.entry_point()) {
      REQUIRE(builder.Parent(id) == BuiltGraph::kNoParent);
      continue;
    }
    const uint32_t parent = builder.Parent(id);
    REQUIRE(parent < builder.size());
    const std::vector<uint32_t> list = Links(builder, parent, 0);
    REQUIRE(std::find(list.begin(), list.end(), id) != list.end());
    uint32_t steps = 0;
    for (uint32_t at = id; at != builder.entry_point(); at = builder.Parent(at)) {
      REQUIRE(steps++ < builder.size());
    }
  }
}

Builder LoadAndSeal(const Graph& graph, const Codes& codes, const BuildOptions& options) {
  Builder builder = Create(codes, options);
  LoadElements(builder.get(), graph, codes);
  LoadLists(builder.get(), graph);
  REQUIRE(Seal(builder.get()) == BuildStatus::kOk);
  REQUIRE(builder->entry_point() == graph.entry);
  CheckSealed(*builder, options);
  return builder;
}

TEST_CASE("graph load: a graph that hnswlib has built is sealed, and stays what it was") {
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 16), 2000);
  const BuildOptions options = LikeHnswlib(Options(GENERATE(1, 3), codes.size()));
  Hnswlib hnswlib(codes, options);
  for (uint32_t i = 0; i < codes.size(); i++) hnswlib.index.addPoint(codes[i], i);
  const Graph graph = hnswlib.Copy();
  const Builder builder = LoadAndSeal(graph, codes, options);
  uint32_t changed = 0;
  for (uint32_t id = 0; id < codes.size(); id++) {
    REQUIRE(builder->Level(id) == graph.Level(id));
    changed += Links(*builder, id, 0) == graph.lists[id][0] ? 0 : 1;
    for (int level = 1; level <= graph.Level(id); level++) {
      REQUIRE(Links(*builder, id, level) == graph.lists[id][static_cast<size_t>(level)]);
    }
  }
  CHECK(changed < codes.size() / 20);
}

TEST_CASE("graph load: what nothing leads to is led to when the graph is sealed") {
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 8), 400);
  Graph graph = BuildFirst(codes, codes.size());
  SECTION("some have lost all links to them") {
    for (uint32_t lost = 3; lost < graph.size(); lost += 7) {
      if (lost == graph.entry) continue;
      for (auto& levels : graph.lists) {
        levels[0].erase(std::remove(levels[0].begin(), levels[0].end(), lost), levels[0].end());
      }
    }
  }
  SECTION("the entry point has no links") { graph.lists[graph.entry][0].clear(); }
  SECTION("nobody has any") {
    for (auto& levels : graph.lists) levels[0].clear();
  }
  SECTION("everybody leads to the next, in a circle, but the entry point") {
    for (uint32_t id = 0; id < graph.size(); id++) {
      graph.lists[id][0].assign(1, (id + 1) % graph.size());
    }
    graph.lists[graph.entry][0].clear();
  }
  LoadAndSeal(graph, codes, Options(1, codes.size()));
}

TEST_CASE("graph load: a sealed graph of one element, and of none") {
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 8), 1);
  SECTION("one") {
    Graph graph;
    graph.lists = {{{}}};
    graph.dead.resize(1);
    LoadAndSeal(graph, codes, Options(1, 1));
  }
  SECTION("none") {
    Builder builder = Create(codes, Options(1, 1));
    REQUIRE(Seal(builder.get()) == BuildStatus::kOk);
    REQUIRE(builder->size() == 0);
  }
}

TEST_CASE("graph load: what is loaded and what is added is sealed and packed together") {
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 16), 1200);
  const BuildOptions options = Options(1, codes.size());
  const Graph graph = BuildFirst(codes, 800);
  Builder builder = Create(codes, options);
  LoadElements(builder.get(), graph, codes);
  LoadLists(builder.get(), graph);
  for (uint32_t i = graph.size(); i < codes.size(); i++) {
    REQUIRE(builder->Add(codes[i], 0) == BuildStatus::kOk);
  }
  Drain(builder.get());
  REQUIRE(Seal(builder.get()) == BuildStatus::kOk);
  CheckSealed(*builder, options);
  const ElementLayout layout(codes.space().footprint(), options.m);
  for (bool done = false; !done;) REQUIRE(builder->PackStep(layout, &done) == BuildStatus::kOk);
  CheckSealed(*builder, options);
  REQUIRE(builder->IdWhenAdded(builder->entry_point()) == graph.entry);
  for (uint32_t id = 0; id < builder->size(); id++) {
    REQUIRE(memcmp(builder->Code(id), codes[builder->IdWhenAdded(id)],
                   codes.space().code_bytes()) == 0);
  }
}

TEST_CASE("graph load: a graph that is being sealed takes no more links, nor another entry point") {
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 8), 20);
  const Graph graph = BuildFirst(codes, codes.size());
  Builder builder = Create(codes, Options(1, codes.size()));
  LoadElements(builder.get(), graph, codes);
  LoadLists(builder.get(), graph);
  bool done = false;
  REQUIRE(builder->SealStep(&done) == BuildStatus::kOk);
  const uint32_t one = 1;
  SECTION("links") {
    CHECK(builder->LoadLinks(0, 0, &one, 1) == BuildStatus::kFailed);
    CHECK(builder->error() == std::string("links loaded too late"));
  }
  SECTION("entry point") {
    CHECK(builder->LoadEntry(1) == BuildStatus::kFailed);
    CHECK(builder->error() == std::string("entry point loaded too late"));
  }
}

TEST_CASE("graph load: sealed without an entry point") {
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 8), 2);
  Builder builder = Create(codes, Options(1, 2));
  REQUIRE(builder->LoadElement(codes[0], 0, false) == BuildStatus::kOk);
  CHECK(Seal(builder.get()) == BuildStatus::kFailed);
  CHECK(builder->error() == std::string("graph loaded without entry point"));
}

TEST_CASE("graph load: what cannot be is refused with a reason") {
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 8), 10);
  Builder builder = Create(codes, Options(GENERATE(1, 3), 10));
  auto refused = [&](BuildStatus status, const char* why) {
    CHECK(status == BuildStatus::kFailed);
    CHECK(builder->error() == std::string(why));
    CHECK(builder->Finish() == BuildStatus::kFailed);
  };
  const uint32_t zero = 0, one = 1, two = 2;
  SECTION("nothing loaded") {
    SECTION("links") { refused(builder->LoadLinks(0, 0, &one, 1), "links of no loaded element"); }
    SECTION("entry") { refused(builder->LoadEntry(0), "entry point not loaded"); }
    SECTION("level") { refused(builder->LoadElement(codes[0], 41, false), "impossible level"); }
    SECTION("level added") { refused(builder->Add(codes[0], -1), "impossible level"); }
  }
  SECTION("two loaded") {
    REQUIRE(builder->LoadElement(codes[0], 1, false) == BuildStatus::kOk);
    REQUIRE(builder->LoadElement(codes[1], 0, true) == BuildStatus::kOk);
    SECTION("no such element") {
      refused(builder->LoadLinks(2, 0, &zero, 1), "links of an element that is not loaded");
    }
    SECTION("no such neighbour") {
      refused(builder->LoadLinks(0, 0, &two, 1), "link to an element that cannot be");
    }
    SECTION("its own neighbour") {
      refused(builder->LoadLinks(0, 0, &zero, 1), "link to an element that cannot be");
    }
    SECTION("neighbour not on the level") {
      refused(builder->LoadLinks(0, 1, &one, 1), "link to an element that is not on the level");
    }
    SECTION("list not on the level") {
      refused(builder->LoadLinks(1, 1, &zero, 1), "links on a level too high");
    }
    SECTION("too many links") {
      std::vector<uint32_t> links(17, 1);
      refused(builder->LoadLinks(0, 0, links.data(), 17), "too many links");
    }
    SECTION("no such entry point") {
      refused(builder->LoadEntry(2), "entry point that is not loaded");
    }
    SECTION("no entry point") {
      refused(builder->Add(codes[2], 0), "graph loaded without entry point");
    }
    SECTION("Seal, with a dead element") {
      REQUIRE(builder->LoadEntry(0) == BuildStatus::kOk);
      refused(Seal(builder.get()), "a graph with dead elements cannot be sealed");
    }
    SECTION("a link twice") {
      const uint32_t twice[] = {1, 1};
      refused(builder->LoadLinks(0, 0, twice, 2), "a link twice");
    }
    SECTION("loading after an addition") {
      REQUIRE(builder->LoadEntry(0) == BuildStatus::kOk);
      REQUIRE(builder->Add(codes[2], 0) == BuildStatus::kOk);
      refused(builder->LoadElement(codes[3], 0, false), "element loaded too late");
    }
    SECTION("adding after Finish") {
      REQUIRE(builder->LoadEntry(0) == BuildStatus::kOk);
      REQUIRE(builder->Finish() == BuildStatus::kOk);
      refused(builder->Add(codes[2], 0), "element added to a sealed graph");
    }
  }
}

}  // namespace
}  // namespace hnswpg
