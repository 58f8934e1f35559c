// The walk's containers against the standard library's.
#include "hnswpg/core/memory/arena.h"
#include "hnswpg/core/memory/candidate_heap.h"
#include "hnswpg/core/memory/flat_set.h"
#include "hnswpg/core/memory/nearest_few.h"
#include "hnswpg/core/memory/pod_vector.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <set>
#include <type_traits>
#include <vector>

#include "hnswpg/core/memory/visited.h"
#include "memory/malloc_arena.h"

namespace hnswpg {
namespace {

// An error may unwind over them by longjmp.
static_assert(std::is_trivially_destructible_v<PodVector<int>>);
static_assert(std::is_trivially_destructible_v<NearestFirstHeap>);
static_assert(std::is_trivially_destructible_v<IdSet>);
static_assert(std::is_trivially_destructible_v<VisitedBits>);

TEST_CASE("a vector keeps what is pushed, through growth", "[pod]") {
  MallocArena memory;
  PodVector<int> vector(memory.arena());
  REQUIRE(vector.empty());
  for (int i = 0; i < 10000; i++) vector.Push(i);
  REQUIRE(vector.size() == 10000);
  for (int i = 0; i < 10000; i++) REQUIRE(vector[i] == i);
  vector.Pop();
  REQUIRE(vector.back() == 9998);
  vector.Truncate(3);
  REQUIRE(std::vector<int>(vector.begin(), vector.end()) == std::vector<int>{0, 1, 2});
  vector.Clear();
  REQUIRE(vector.empty());
}

TEST_CASE("heaps give candidates in order, equal distances by id", "[pod]") {
  MallocArena memory;
  NearestFirstHeap nearest(memory.arena());
  FarthestFirstHeap farthest(memory.arena());
  std::vector<Candidate> all;
  std::mt19937 random(1);
  for (ElementId id = 0; id < 3000; id++) {
    const Candidate c = {static_cast<float>(random() % 50), id};
    all.push_back(c);
    nearest.Push(c);
    farthest.Push(c);
  }
  std::sort(all.begin(), all.end());
  for (const Candidate& expected : all) {
    REQUIRE(nearest.top().id == expected.id);
    REQUIRE(nearest.Pop().id == expected.id);
  }
  REQUIRE(nearest.empty());
  for (auto expected = all.rbegin(); expected != all.rend(); ++expected) {
    REQUIRE(farthest.Pop().id == expected->id);
  }
}

TEST_CASE("the top of a heap is replaced as by Pop and Push", "[pod]") {
  MallocArena memory;
  FarthestFirstHeap heap(memory.arena());
  FarthestFirstHeap expected(memory.arena());
  std::mt19937 random(3);
  for (ElementId id = 0; id < 3000; id++) {
    const Candidate c = {static_cast<float>(random() % 50), id};
    if (id % 64 == 0 || heap.size() < 5) {
      heap.Push(c);
      expected.Push(c);
      continue;
    }
    REQUIRE(heap.ReplaceTop(c).id == expected.Pop().id);
    expected.Push(c);
    REQUIRE(heap.top().id == expected.top().id);
  }
  REQUIRE(heap.size() == expected.size());
  while (!expected.empty()) REQUIRE(heap.Pop().id == expected.Pop().id);
}

TEST_CASE("a set of ids is a set", "[pod]") {
  MallocArena memory;
  IdSet ids(memory.arena());
  REQUIRE(!ids.Contains(0));
  std::mt19937 random(2);
  for (int round = 0; round < 3; round++) {
    std::set<ElementId> expected;
    const uint32_t range = round == 0 ? 100 : 1000000000;
    for (int i = 0; i < 20000; i++) {
      const ElementId id = random() % range;
      REQUIRE(ids.Insert(id) == expected.insert(id).second);
    }
    REQUIRE(ids.size() == expected.size());
    for (ElementId id : expected) REQUIRE(ids.Contains(id));
    for (int i = 0; i < 1000; i++) {
      const ElementId id = random();
      REQUIRE(ids.Contains(id) == (expected.count(id) > 0));
    }
    ids.Clear();
    REQUIRE(ids.size() == 0);
    REQUIRE(!ids.Contains(*expected.begin()));
  }
}

TEST_CASE("ids that differ in high bits only do not pile up", "[pod]") {
  MallocArena memory;
  IdSet ids(memory.arena());
  for (uint32_t i = 0; i < 2000; i++) REQUIRE(ids.Insert(i << 20));
  for (uint32_t i = 0; i < 2000; i++) REQUIRE(ids.Contains(i << 20));
}

TEST_CASE("a walk's bits are a set, and kept for the next walk", "[pod]") {
  MallocArena memory;
  VisitedBits visited(memory.arena());
  std::mt19937 random(4);
  for (uint32_t range : {100u, 100000u, 20000000u, 1000u, 20000000u}) {
    visited.Clear();
    std::set<ElementId> expected;
    for (int round = 0; round < 500; round++) {
      std::vector<ElementId> ids, fresh;
      for (int i = random() % 64; i > 0; i--) ids.push_back(random() % range);
      for (ElementId id : ids) {
        if (expected.insert(id).second) fresh.push_back(id);
      }
      ids.resize(visited.InsertAll(ids.data(), static_cast<int>(ids.size())));
      REQUIRE(ids == fresh);
      const ElementId id = random() % range;
      REQUIRE(visited.Insert(id) == expected.insert(id).second);
    }
  }
}

TEST_CASE("a walk's bits survive an error where memory is short", "[pod]") {
  struct ShortArena {
    MallocArena memory;
    bool refuses = false;
    int given = 0;
    static void* Resize(void* context, void* old, size_t bytes) {
      auto* self = static_cast<ShortArena*>(context);
      if (self->refuses) throw std::bad_alloc();
      self->given++;
      const Arena arena = self->memory.arena();
      return arena.resize(arena.context, old, bytes);
    }
  };
  ShortArena source;
  VisitedBits visited(Arena{ShortArena::Resize, &source});
  ElementId id = 0;
  for (const int before = (visited.Insert(id++), source.given); source.given == before;) {
    source.refuses = true;
    try {
      visited.Insert(id);
      id++;
    } catch (const std::bad_alloc&) {
      source.refuses = false;
      REQUIRE(visited.Insert(id++));
      REQUIRE(source.given > before);  // it did not take the room for granted
    }
  }
  for (ElementId seen = 0; seen < id; seen++) REQUIRE_FALSE(visited.Insert(seen));
}

int pauses = 0;

TEST_CASE("a set that grows large pauses meanwhile", "[containers]") {
  MallocArena memory;
  FlatSet<uint64_t> set(memory.arena(), [] { pauses++; });
  pauses = 0;
  int most = 0;
  for (uint64_t key = 0; key < 1000000; key++) {
    const int before = pauses;
    set.Insert(key);
    most = std::max(most, pauses - before);
  }
  // 2^21 slots are filled and half as many gone through when it grows last.
  CHECK(most == (1 << 21) / (1 << 16) + (1 << 20) / (1 << 16));
  CHECK(set.size() == 1000000);
}

struct Met {
  float distance;
  int order;
};

TEST_CASE("the nearest few of many are those of a stable sort", "[containers]") {
  std::mt19937 random(8);
  for (int n = 0; n < 40; n++) {
    NearestFew<Met, 5> few;
    few.Meet({-1, -1});
    few.Clear();
    std::vector<Met> all;
    for (int i = 0; i < n; i++) {
      all.push_back({static_cast<float>(random() % 8), i});
      few.Meet(all.back());
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Met& a, const Met& b) { return a.distance < b.distance; });
    REQUIRE(few.end() - few.begin() == std::min(n, 5));
    for (int i = 0; i < std::min(n, 5); i++) REQUIRE(few.begin()[i].order == all[i].order);
  }
}

}  // namespace
}  // namespace hnswpg
