// What stops a walk: the limit, and the pause that may not come back.
#include "hnswpg/core/walk/budget.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <csetjmp>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include "hnswpg/core/walk/walk.h"
#include "memory/malloc_arena.h"

namespace hnswpg {
namespace {

int pauses;
int raises_at;  // 0: never
jmp_buf handler;

// Raises an error as the server does.
void CountPause() {
  if (++pauses == raises_at) longjmp(handler, 1);
}

// A chain of n elements; the query is at its end.
struct Chain {
  int n;
  int lists_read = 0;
  int ReadLinks(ElementId id, int, ElementId* out) {
    lists_read++;
    int links = 0;
    if (id > 0) out[links++] = id - 1;
    if (id + 1 < static_cast<ElementId>(n)) out[links++] = id + 1;
    return links;
  }
  void Measure(const ElementId* ids, int count, Measured* out) {
    for (int i = 0; i < count; i++) out[i] = {static_cast<float>(n - ids[i]), false};
  }
  void PrefetchLinks(ElementId, int) {}
};

struct ChainWalk {
  explicit ChainWalk(int n) : graph{n}, walk(&graph, memory.arena(), &visited, &budget) {
    pauses = 0;
    raises_at = 0;
  }
  MallocArena memory;
  VisitedBits visited{memory.arena()};
  Budget budget{&CountPause};
  Chain graph;
  Walk<Chain> walk;
};

TEST_CASE("every walk pauses, however much it looks for", "[budget]") {
  ChainWalk chain(10000);
  chain.walk.Search(0, 0, 10000);
  REQUIRE(chain.walk.found().size() == 10000);
  REQUIRE(chain.budget.measured() == 10000);
  // Each list read and each element measured counts, and 64 of them are one pause.
  REQUIRE(pauses >= 2 * 10000 / 65);

  SECTION("a descent") {
    pauses = 0;
    chain.walk.Begin();
    REQUIRE(chain.walk.Descend(0, 1, 1) == 9999);
    REQUIRE(pauses >= 2 * 10000 / 66);
  }
  SECTION("a walk that goes on") {
    chain.walk.Search(0, 0, 1);
    pauses = 0;
    chain.walk.found().Clear();
    while (chain.walk.Resume(0, 1000)) chain.walk.found().Clear();
    REQUIRE(pauses > 10);
  }
}

TEST_CASE("a walk without work hardly pauses", "[budget]") {
  ChainWalk chain(20);
  chain.walk.Search(0, 0, 1);
  REQUIRE(pauses <= 1);
}

TEST_CASE("an error at a pause leaves what is kept for the next walk as it was", "[budget]") {
  ChainWalk chain(10000);
  raises_at = 20;
  if (setjmp(handler) == 0) {
    chain.walk.Search(0, 0, 10000);
    FAIL("the walk has not been stopped");
  }
  REQUIRE(pauses == 20);
  REQUIRE(chain.budget.measured() < 20 * 66);
  raises_at = 0;
  chain.walk.Search(0, 0, 10000);
  REQUIRE(chain.walk.found().size() == 10000);
}

TEST_CASE("every walk ends where its budget is spent", "[budget]") {
  ChainWalk chain(10000);
  chain.budget.set_limit(100);
  SECTION("the first") {
    chain.walk.Search(0, 0, 5000);
    REQUIRE(chain.walk.found().size() == 100);
    REQUIRE(chain.budget.measured() == 100);
  }
  SECTION("a descent") {
    chain.walk.Begin();
    const ElementId end = chain.walk.Descend(0, 1, 1);
    REQUIRE(end > 40);
    REQUIRE(end < 110);
  }
  SECTION("and begins anew with the next") {
    chain.walk.Search(0, 0, 5000);
    chain.walk.Search(0, 0, 5000);
    REQUIRE(chain.walk.found().size() == 100);
    chain.budget.set_limit(Budget::kNoLimit);
    chain.walk.Search(0, 0, 5000);
    REQUIRE(chain.budget.measured() == 10000);
  }
}

TEST_CASE("many items are sorted with pauses, few without", "[budget]") {
  std::mt19937 random(1);
  std::vector<int> items(100000);
  std::iota(items.begin(), items.end(), 0);
  std::shuffle(items.begin(), items.end(), random);
  std::vector<int> few(items.begin(), items.begin() + kSortedAtOnce);
  pauses = 0;
  raises_at = 0;
  SortPausing(few.data(), few.data() + few.size(), std::less<int>(), &CountPause);
  REQUIRE(std::is_sorted(few.begin(), few.end()));
  REQUIRE(pauses == 0);

  std::vector<int> selected = items;
  SelectPausing(selected.data(), selected.data() + 500, selected.data() + selected.size(),
                std::less<int>(), &CountPause);
  REQUIRE(selected[500] == 500);
  REQUIRE(*std::max_element(selected.begin(), selected.begin() + 500) == 499);
  REQUIRE(pauses > 10);

  pauses = 0;
  SortPausing(items.data(), items.data() + items.size(), std::less<int>(), &CountPause);
  REQUIRE(std::is_sorted(items.begin(), items.end()));
  REQUIRE(pauses > 100);
  pauses = 0;
  SortPausing(items.data(), items.data() + items.size(), std::greater<int>(), nullptr);
  REQUIRE(std::is_sorted(items.rbegin(), items.rend()));
  REQUIRE(pauses == 0);
}

}  // namespace
}  // namespace hnswpg
