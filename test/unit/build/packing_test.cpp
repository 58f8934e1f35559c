// The packing: a permutation in any case, page by page what belongs together, and a graph that is
// the same under its new ids.
#include "core/build/packing.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstring>
#include <random>
#include <set>
#include <vector>

#include "build/graph_testing.h"

namespace hnswpg {
namespace {

class TestLists : public GraphView {
 public:
  explicit TestLists(std::vector<std::vector<uint32_t>> lists) : lists_(std::move(lists)) {}
  uint32_t size() const override { return static_cast<uint32_t>(lists_.size()); }
  std::span<const uint32_t> Links(uint32_t element) const override {
    lists_read++;
    return lists_[element];
  }
  mutable size_t lists_read = 0;

 private:
  std::vector<std::vector<uint32_t>> lists_;
};

std::vector<uint32_t> Pack(const TestLists& graph, uint32_t first, const ElementLayout& layout) {
  Packing packing(&graph, first, layout);
  for (bool done = false; !done;) {
    const size_t before = graph.lists_read;
    done = packing.Step();
    // The list of an element that is placed is looked at twice.
    REQUIRE(graph.lists_read - before <= 2 * (kPackStepLists + kPackedSteps));
  }
  const std::vector<uint32_t> order = packing.order();
  REQUIRE(order.size() == graph.size());
  std::vector<uint32_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (uint32_t i = 0; i < sorted.size(); i++) REQUIRE(sorted[i] == i);
  REQUIRE(order[0] == first);
  return order;
}

// Full graphs of these sizes. Neighbouring ids are in different ones, as far as sizes allow, and
// each one is begun by an id lower than those of the next one.
TestLists Cliques(const std::vector<uint32_t>& sizes, std::vector<uint32_t>* clique_of) {
  std::vector<std::vector<uint32_t>> members(sizes.size());
  uint32_t n = 0;
  for (bool more = true; more;) {
    more = false;
    for (uint32_t c = 0; c < sizes.size(); c++) {
      if (members[c].size() == sizes[c]) continue;
      members[c].push_back(n++);
      more = true;
    }
  }
  std::vector<std::vector<uint32_t>> lists(n);
  clique_of->resize(n);
  for (uint32_t c = 0; c < sizes.size(); c++) {
    for (uint32_t from : members[c]) {
      (*clique_of)[from] = c;
      for (uint32_t to : members[c]) {
        if (to != from) lists[from].push_back(to);
      }
    }
  }
  return TestLists(std::move(lists));
}

TEST_CASE("packing: cliques as large as pages get a page each") {
  const ElementLayout layout({128, 4 * 128, 4 * 128}, 16);
  const uint32_t chunk = layout.elements_per_chunk();
  // The last page of a chunk has room for fewer.
  REQUIRE(layout.ElementsOn(layout.SlotBlock(chunk - 1)) < layout.slots_per_page());
  std::vector<uint32_t> sizes;
  for (uint32_t place = 0; place < 3 * chunk; place += sizes.back()) {
    sizes.push_back(layout.ElementsOn(layout.SlotBlock(place)));
  }
  std::vector<uint32_t> clique_of;
  const TestLists graph = Cliques(sizes, &clique_of);
  const std::vector<uint32_t> order = Pack(graph, 0, layout);
  for (uint32_t place = 1; place < order.size(); place++) {
    const bool same_page = layout.SlotBlock(place) == layout.SlotBlock(place - 1);
    REQUIRE((clique_of[order[place]] == clique_of[order[place - 1]]) == same_page);
  }
}

TEST_CASE("packing: graphs made to be awkward") {
  const ElementLayout layout({100, 4 * 100, 4 * 100}, 4);
  const TestLists nothing({});
  Packing none(&nothing, 0, layout);
  REQUIRE(none.Step());
  CHECK(none.order().empty());
  Pack(TestLists(std::vector<std::vector<uint32_t>>(1)), 0, layout);
  Pack(TestLists(std::vector<std::vector<uint32_t>>(500)), 499, layout);  // no links at all
  std::vector<std::vector<uint32_t>> star(300);                           // all lead to one
  for (uint32_t i = 0; i < 299; i++) star[i].push_back(299);
  Pack(TestLists(star), 7, layout);
  std::vector<std::vector<uint32_t>> chain(300);  // against the order of ids
  for (uint32_t i = 1; i < 300; i++) chain[i].push_back(i - 1);
  const std::vector<uint32_t> order = Pack(TestLists(chain), 299, layout);
  for (uint32_t i = 0; i < 300; i++) CHECK(order[i] == 299 - i);
  std::mt19937 random(3);
  std::vector<std::vector<uint32_t>> any(3000);
  for (auto& list : any) {
    for (uint32_t i = random() % 9; i > 0; i--) list.push_back(random() % 3000);
  }
  Pack(TestLists(any), 1234, layout);
  Pack(TestLists(any), 0, ElementLayout({64000, 0, 0}, 2));  // pages of one slot
  Pack(TestLists(any), 0, ElementLayout({1, 4, 4}, 2));
}

TEST_CASE("packing: looking for what comes next takes many steps") {
  // A chain, at whose end all that was placed is asked in vain for what is not; that stands
  // behind all of it.
  const uint32_t n = 50000;
  std::vector<std::vector<uint32_t>> lists(n + 1);
  for (uint32_t i = 0; i + 1 < n; i++) lists[i].push_back(i + 1);
  const TestLists graph(lists);
  const std::vector<uint32_t> order = Pack(graph, 0, ElementLayout({8, 32, 32}, 2));
  CHECK(order[n] == n);
}

BuildStatus PackAll(GraphBuilder* builder, const ElementLayout& layout) {
  for (bool done = false; !done;) {
    const BuildStatus status = builder->PackStep(layout, &done);
    if (status != BuildStatus::kOk) return status;
  }
  return BuildStatus::kOk;
}

double LinksWithinPages(const GraphBuilder& builder, const ElementLayout& layout) {
  size_t links = 0, within = 0;
  for (uint32_t id = 0; id < builder.size(); id++) {
    for (uint32_t to : Links(builder, id, 0)) {
      links++;
      within += layout.SlotBlock(id) == layout.SlotBlock(to);
    }
  }
  return static_cast<double>(within) / static_cast<double>(links);
}

TEST_CASE("packing: a packed graph is the same graph under other ids") {
  const int threads = GENERATE(1, 3);
  const CodeSpace space(Metric::kL2, Quantization::kInt8, 16);
  const ElementLayout layout({16, 4 * 16, 4 * 16}, 8);
  const Codes codes = Random(space, 4000);
  Builder builder = Build(codes, Options(threads, 4000));
  struct Element {
    int level;
    uint32_t parent;
    std::vector<std::vector<uint32_t>> links;
  };
  std::vector<Element> before;
  for (uint32_t id = 0; id < 4000; id++) {
    Element element = {builder->Level(id), builder->Parent(id), {}};
    for (int level = 0; level <= element.level; level++) {
      element.links.push_back(Links(*builder, id, level));
    }
    REQUIRE(builder->IdWhenAdded(id) == id);
    before.push_back(element);
  }
  const uint32_t entry = builder->entry_point();
  const double within = LinksWithinPages(*builder, layout);
  const size_t used = builder->memory_used();

  REQUIRE(PackAll(builder.get(), layout) == BuildStatus::kOk);
  CHECK(builder->memory_used() == used + 4000 * 8);
  CHECK(builder->entry_point() == 0);
  CHECK(builder->IdWhenAdded(0) == entry);
  const auto added = [&](uint32_t id) { return builder->IdWhenAdded(id); };
  std::set<uint32_t> seen;
  for (uint32_t id = 0; id < 4000; id++) {
    const Element& element = before[added(id)];
    REQUIRE(seen.insert(added(id)).second);
    REQUIRE(builder->Level(id) == element.level);
    REQUIRE(memcmp(builder->Code(id), codes[added(id)], space.code_bytes()) == 0);
    const uint32_t parent = builder->Parent(id);
    REQUIRE((parent == GraphBuilder::kNoParent ? parent : added(parent)) == element.parent);
    for (int level = 0; level <= element.level; level++) {
      std::vector<uint32_t> links = Links(*builder, id, level);
      for (uint32_t& to : links) to = added(to);
      REQUIRE(links == element.links[static_cast<size_t>(level)]);
    }
  }
  CHECK(LinksWithinPages(*builder, layout) > 10 * within);
  CHECK(LinksWithinPages(*builder, layout) > 0.1);
}

TEST_CASE("packing: after sealing, once, and it may be left between steps") {
  const CodeSpace space(Metric::kL2, Quantization::kInt8, 16);
  const ElementLayout layout({16, 4 * 16, 4 * 16}, 8);
  const Codes codes = Random(space, 300);
  Builder empty = Build(Codes(space), Options(2, 10));
  CHECK(PackAll(empty.get(), layout) == BuildStatus::kOk);
  Builder packed = Build(codes, Options(2, 300));
  CHECK(PackAll(packed.get(), layout) == BuildStatus::kOk);
  CHECK(PackAll(packed.get(), layout) == BuildStatus::kFailed);
  Builder left = Build(codes, Options(2, 300));
  bool done = true;
  CHECK(left->PackStep(layout, &done) == BuildStatus::kOk);
  CHECK_FALSE(done);
  Builder open(GraphBuilder::Create(space, Options(1, 300)));
  REQUIRE(open->Add(codes[0]) == BuildStatus::kOk);
  CHECK(PackAll(open.get(), layout) == BuildStatus::kFailed);
}

}  // namespace
}  // namespace hnswpg
