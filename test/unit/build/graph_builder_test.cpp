// GraphBuilder against hnswlib itself (one thread: the same graph), against brute force (recall
// with several threads), and against its own promises: memory, connectivity, an end at any moment.
#include "hnswpg/core/build/graph_builder.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "build/graph_testing.h"
#include "core/build/hnswlib_space.h"

namespace hnswpg {
namespace {

// Everything that a sealed graph promises, whatever it was built from.
void CheckGraph(const GraphBuilder& builder, int m) {
  uint32_t n = builder.size();
  CheckLists(builder, m);
  REQUIRE(builder.Level(builder.entry_point()) == builder.max_level());
  std::vector<std::vector<uint32_t>> children(n);
  for (uint32_t id = 0; id < n; id++) {
    REQUIRE(builder.Level(id) >= 0);
    REQUIRE(builder.Level(id) <= std::min(builder.max_level(), 40));
    uint32_t parent = builder.Parent(id);
    REQUIRE((parent == GraphBuilder::kNoParent) == (id == builder.entry_point()));
    if (parent == GraphBuilder::kNoParent) continue;
    std::vector<uint32_t> of_parent = Links(builder, parent, 0);
    REQUIRE(std::find(of_parent.begin(), of_parent.end(), id) != of_parent.end());
    children[parent].push_back(id);
  }
  std::vector<uint32_t> met = {builder.entry_point()};
  for (size_t i = 0; i < met.size(); i++) {
    met.insert(met.end(), children[met[i]].begin(), children[met[i]].end());
  }
  REQUIRE(met.size() == n);
}
// The level-0 graph of hnswlib and what can be reached in it.
struct Reference {
  Reference(const Codes& codes, const BuildOptions& options)
      : space(codes.space(), codes.stride_bytes()),
        index(&space, codes.size(), static_cast<size_t>(options.m),
              static_cast<size_t>(options.ef_construction), 100) {
    for (uint32_t i = 0; i < codes.size(); i++) index.addPoint(codes[i], i);
    reached.resize(codes.size());
    std::vector<uint32_t> queue = {index.enterpoint_node_};
    reached[queue[0]] = true;
    for (size_t i = 0; i < queue.size(); i++) {
      for (uint32_t to : Links(queue[i], 0)) {
        if (!reached[to]) queue.push_back(to);
        reached[to] = true;
      }
    }
  }

  std::vector<uint32_t> Links(uint32_t id, int level) {
    auto* list = index.get_linklist_at_level(id, level);
    return {list + 1, list + 1 + index.getListCount(list)};
  }

  HnswlibSpace space;
  hnswlib::HierarchicalNSW<float> index;
  std::vector<bool> reached;
};
// Equal, but for links that Seal had to add.
void CheckSameGraph(const GraphBuilder& builder, Reference* reference) {
  REQUIRE(builder.entry_point() == reference->index.enterpoint_node_);
  REQUIRE(builder.max_level() == reference->index.maxlevel_);
  for (uint32_t id = 0; id < builder.size(); id++) {
    REQUIRE(builder.Level(id) == reference->index.element_levels_[id]);
    for (int level = builder.Level(id); level > 0; level--) {
      REQUIRE(Links(builder, id, level) == reference->Links(id, level));
    }
    std::vector<uint32_t> ours = Links(builder, id, 0);
    std::vector<uint32_t> theirs = reference->Links(id, 0);
    if (ours == theirs) continue;
    REQUIRE(ours.size() >= theirs.size());
    for (uint32_t to : ours) {
      if (std::find(theirs.begin(), theirs.end(), to) != theirs.end()) continue;
      REQUIRE(builder.Parent(to) == id);
      REQUIRE(!reference->reached[to]);
    }
  }
}

TEST_CASE("graph builder: one thread builds hnswlib's graph") {
  struct Kind {
    Metric metric;
    Quantization quantization;
    uint32_t dim;  // odd ones too: hnswlib's records need padding then
  };
  Kind kind = GENERATE(
      Kind{Metric::kL2, Quantization::kInt8, 24}, Kind{Metric::kL2, Quantization::kNone, 17},
      Kind{Metric::kInnerProduct, Quantization::kInt8, 19},
      Kind{Metric::kInnerProduct, Quantization::kNone, 8},
      Kind{Metric::kCosine, Quantization::kInt8, 33},
      Kind{Metric::kCosine, Quantization::kNone, 16}, Kind{Metric::kL1, Quantization::kNone, 5});
  Codes codes = Random(CodeSpace(kind.metric, kind.quantization, kind.dim), 1500);
  BuildOptions options = LikeHnswlib(Options(1, codes.size()));
  Builder builder = Build(codes, options);
  CheckGraph(*builder, options.m);
  Reference reference(codes, options);
  CheckSameGraph(*builder, &reference);
  for (uint32_t id = 0; id < codes.size(); id++) {
    REQUIRE(memcmp(builder->Code(id), codes[id], codes.space().code_bytes()) == 0);
  }
}

TEST_CASE("graph builder: what the heuristic drops fills an element's own list") {
  // Of few dimensions, so that there are few directions.
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 4), 2000);
  const BuildOptions options = Options(1, codes.size());
  Builder filled = Build(codes, options);
  Builder plain = Build(codes, LikeHnswlib(options));
  CheckGraph(*filled, options.m);
  uint32_t links[2 * kMaxM];
  // Nobody has linked to the last one after it was linked.
  const uint32_t last = codes.size() - 1;
  REQUIRE(filled->Links(last, 0, links) >= options.m);
  REQUIRE(plain->Links(last, 0, links) < options.m);
  size_t n_filled = 0, n_plain = 0;
  for (uint32_t id = 0; id < codes.size(); id++) {
    const int n = filled->Links(id, 0, links);
    REQUIRE(std::set<uint32_t>(links, links + n).size() == static_cast<size_t>(n));
    n_filled += static_cast<size_t>(n);
    n_plain += static_cast<size_t>(plain->Links(id, 0, links));
  }
  REQUIRE(n_filled > n_plain);
}

TEST_CASE("graph builder: one thread, other m and ef_construction, room made on the way") {
  int m = GENERATE(2, 3, 40);
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 12), 1500);
  BuildOptions options = LikeHnswlib(Options(1, 1));
  options.m = m;
  options.ef_construction = 2 * m;
  Builder builder = Build(codes, options);
  CheckGraph(*builder, m);
  Reference reference(codes, options);
  CheckSameGraph(*builder, &reference);
}

TEST_CASE("graph builder: several threads") {
  int threads = GENERATE(2, 3);
  uint32_t expected = GENERATE(5000u, 10u);
  CodeSpace space(Metric::kL2, Quantization::kInt8, 16);
  Codes codes = Random(space, 5000);
  Codes queries = Random(space, 300, 2);
  Builder one = Build(codes, Options(1, codes.size()));
  Builder several = Build(codes, Options(threads, expected));
  CheckGraph(*several, 8);
  for (uint32_t id = 0; id < codes.size(); id++) {
    REQUIRE(several->Level(id) == one->Level(id));
    REQUIRE(memcmp(several->Code(id), codes[id], space.code_bytes()) == 0);
  }
  double base = Recall(*one, codes, queries);
  double recall = Recall(*several, codes, queries);
  CAPTURE(base, recall);
  CHECK(base > 0.9);
  CHECK(recall > base - 0.01);
}

// What a thread has met it takes back one by one, up to some thousands.
TEST_CASE("graph builder: one thread, searches that meet nearly every element") {
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 12), 6000);
  BuildOptions options = LikeHnswlib(Options(1, codes.size()));
  options.m = 40;
  options.ef_construction = 1000;
  Builder builder = Build(codes, options);
  CheckGraph(*builder, options.m);
  Reference reference(codes, options);
  CheckSameGraph(*builder, &reference);
}

// Half of the elements are on upper levels, so that threads often meet what others are linking.
TEST_CASE("graph builder: several threads, many levels") {
  Codes codes = Random(CodeSpace(Metric::kInnerProduct, Quantization::kInt8, 8), 5000);
  BuildOptions options = Options(GENERATE(2, 4, 8), codes.size());
  options.m = 2;
  Builder builder = Build(codes, options);
  CHECK(builder->max_level() > 6);
  CheckGraph(*builder, options.m);
}

TEST_CASE("graph builder: clusters that come one after the other") {
  int threads = GENERATE(1, 3);
  CodeSpace space(Metric::kL2, Quantization::kInt8, 16);
  Codes codes = Clusters(space, 5000, 50, 0.01f);
  Builder builder = Build(codes, Options(threads, codes.size()));
  CheckGraph(*builder, 8);
}

TEST_CASE("graph builder: 10,000 equal vectors among others") {
  int threads = GENERATE(1, 3);
  auto quantization = GENERATE(Quantization::kInt8, Quantization::kNone);
  CodeSpace space(Metric::kCosine, quantization, 8);
  Codes codes = Random(space, 500);
  std::vector<float> vector = {1, 2, 3, 4, 5, 6, 7, 8};
  for (int i = 0; i < 10000; i++) codes.Append(vector);
  auto start = std::chrono::steady_clock::now();
  Builder builder = Build(codes, Options(threads, codes.size()));
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  CheckGraph(*builder, 8);
  CHECK(seconds.count() < 30);
}

TEST_CASE("graph builder: very few elements") {
  int threads = GENERATE(1, 3);
  CodeSpace space(Metric::kInnerProduct, Quantization::kNone, 3);
  for (uint32_t n : {0u, 1u, 2u, 3u}) {
    Builder builder = Build(Random(space, n), Options(threads, 0));
    if (n > 0) CheckGraph(*builder, 8);
  }
}

// Adds until the limit is reached; returns how many elements fit.
uint32_t Fill(GraphBuilder* builder, const Codes& codes, size_t limit) {
  BuildStatus status = BuildStatus::kOk;
  for (uint32_t i = 0; status == BuildStatus::kOk; i++) {
    status = builder->Add(codes[i % codes.size()]);
    REQUIRE(builder->memory_used() <= limit);
  }
  REQUIRE(status == BuildStatus::kFull);
  REQUIRE(builder->Add(codes[0]) == BuildStatus::kFull);
  return builder->size();
}

TEST_CASE("graph builder: the memory limit is kept and used") {
  int threads = GENERATE(1, 3);
  size_t limit = GENERATE(0, 1000, 64 << 10, 1 << 20, 3 << 20);
  size_t expected = GENERATE(0, 50, 1000000);
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 64), 3000);
  BuildOptions options = Options(threads, 0);
  options.expected_elements = expected;
  options.memory_limit = limit;
  Builder builder(GraphBuilder::Create(codes.space(), options));
  REQUIRE(builder != nullptr);
  uint32_t n = Fill(builder.get(), codes, limit);
  CAPTURE(threads, limit, expected, n);

  // What a record and its places in the tables take: nothing fits that should not.
  CHECK(n <= limit / (4 * 17 + 72 + 8 + 12));
  if (limit >= 1 << 20 && expected > n) CHECK(builder->MemoryNeeded(n + n / 50 + 10) > limit);
  if (limit >= 1 << 20) CHECK(builder->MemoryNeeded(2 * n) > limit);

  Drain(builder.get());
  REQUIRE(Seal(builder.get()) == BuildStatus::kOk);
  CHECK(builder->memory_used() <= limit);
  if (n > 0) CheckGraph(*builder, 8);
}

TEST_CASE("graph builder: as many elements fit as MemoryNeeded says") {
  int threads = GENERATE(1, 2);
  int m = GENERATE(2, 16);
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 16), 6000);
  BuildOptions options = Options(threads, codes.size());
  options.m = m;
  // The threads come out of the limit too, so ask a builder that has the limit in question.
  options.memory_limit = 4 << 20;
  Builder guess(GraphBuilder::Create(codes.space(), options));
  REQUIRE(guess != nullptr);
  options.memory_limit = guess->MemoryNeeded(codes.size());
  options.expected_elements = codes.size();
  Builder builder = Build(codes, options);
  CHECK(builder->memory_used() <= options.memory_limit);
}

TEST_CASE("graph builder: may end at any moment") {
  int threads = GENERATE(1, 2, 3);
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 400), 200);
  BuildOptions options = Options(threads, 5000);
  options.m = 16;
  options.ef_construction = 200;
  for (uint32_t adds : {0u, 1u, 5u, 17u, 200u, 3000u}) {
    Builder builder(GraphBuilder::Create(codes.space(), options));
    for (uint32_t i = 0; i < adds; i++) {
      REQUIRE(builder->Add(codes[i % codes.size()]) == BuildStatus::kOk);
    }
    bool done;
    if (adds == 17) REQUIRE(builder->DrainStep(&done) == BuildStatus::kOk);
    auto start = std::chrono::steady_clock::now();
    builder.reset();
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    CHECK(seconds.count() < 1);
  }
  GraphBuilder::Destroy(nullptr);
}

TEST_CASE("graph builder: sealing may be left between steps, or done again") {
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 8), 10000);
  Builder builder(GraphBuilder::Create(codes.space(), Options(2, codes.size())));
  for (uint32_t i = 0; i < codes.size(); i++) REQUIRE(builder->Add(codes[i]) == BuildStatus::kOk);
  Drain(builder.get());
  bool done = true;
  REQUIRE(builder->SealStep(&done) == BuildStatus::kOk);
  CHECK_FALSE(done);
  SECTION("left") {}
  SECTION("read too early") {
    ElementLayout layout({8, 4 * 8, 4 * 8}, 8);
    CHECK(builder->PackStep(layout, &done) == BuildStatus::kFailed);
  }
  SECTION("done again") {
    REQUIRE(Seal(builder.get()) == BuildStatus::kOk);
    REQUIRE(builder->SealStep(&done) == BuildStatus::kOk);
    CHECK(done);
    CheckGraph(*builder, 8);
  }
}

TEST_CASE("graph builder: calls out of order are refused with a reason") {
  Codes codes = Random(CodeSpace(Metric::kL2, Quantization::kInt8, 2000), 500);
  SECTION("SealStep before everything is linked") {
    BuildOptions options = Options(3, 500);
    options.ef_construction = 400;
    Builder builder(GraphBuilder::Create(codes.space(), options));
    for (uint32_t i = 0; i < codes.size(); i++) REQUIRE(builder->Add(codes[i]) == BuildStatus::kOk);
    CHECK(Seal(builder.get()) == BuildStatus::kFailed);
    CHECK(builder->error() == std::string("graph sealed before it was drained"));
  }
  SECTION("Add after sealing") {
    Builder builder = Build(codes, Options(1, 500));
    CHECK(builder->Add(codes[0]) == BuildStatus::kFailed);
    CHECK(builder->error() == std::string("element added to a sealed graph"));
  }
}

}  // namespace
}  // namespace hnswpg
