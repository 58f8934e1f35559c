// BuildMemory against malloc, and its growth against the limit, copies included.
#include "core/build/build_memory.h"

#include <malloc.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstdlib>

#include "core/build/packing.h"
#include "core/build/spanning_tree.h"
#include "hnswpg/core/build/graph_builder.h"

namespace hnswpg {
namespace {

constexpr size_t kMega = 1 << 20;

BuildOptions Options(int m, int threads, size_t limit, size_t expected) {
  BuildOptions options;
  options.m = m;
  options.threads = threads;
  options.memory_limit = limit;
  options.expected_elements = expected;
  return options;
}

TEST_CASE("build memory: upper lists take what malloc gives") {
  CodeSpace space(Metric::kL2, Quantization::kInt8, 32);
  for (int m = 2; m <= 100; m++) {
    BuildMemory memory(space, Options(m, 1, kMega, 0));
    CHECK(memory.UpperLists(0) == 0);
    for (size_t level = 1; level <= 40; level += 3) {
      size_t bytes = 4 * (static_cast<size_t>(m) + 1) * level;
      void* block = malloc(bytes);
      size_t counted = memory.UpperLists(static_cast<int>(level));
      CHECK(counted + 16 >= malloc_usable_size(block) + 8);  // a rest of 16 bytes is not split off
      CHECK(counted <= bytes + 32);
      free(block);
    }
  }
}

TEST_CASE("build memory: parts of a record are aligned") {
  for (uint32_t dim = 1; dim <= 40; dim++) {
    for (int m : {2, 5, 16}) {
      CodeSpace space(Metric::kL2, Quantization::kInt8, dim);
      size_t data = BuildMemory(space, Options(m, 1, kMega, 0)).data_bytes();
      CHECK(data >= space.code_bytes());
      CHECK(data < space.code_bytes() + 8);
      CHECK((4 + 8 * static_cast<size_t>(m) + data) % 8 == 0);
    }
  }
}

TEST_CASE("build memory: growth keeps the limit while arrays are copied") {
  size_t limit = GENERATE(1, 16, 64, 1000) * kMega;
  int threads = GENERATE(1, 2, 64);
  CodeSpace space(Metric::kL2, Quantization::kInt8, 128);
  BuildMemory memory(space, Options(16, threads, limit, 100));
  size_t record = 4 + 8 * 16 + memory.data_bytes() + 8;
  size_t capacity = memory.FirstCapacity();
  REQUIRE(capacity >= 100);
  int steps = 0;
  for (size_t next = capacity; next != 0; next = memory.NextCapacity(capacity), steps++) {
    if (steps > 0) {
      REQUIRE(next > capacity);
      size_t copied = capacity * sizeof(char*);
      if (capacity * record <= 32 * kMega) copied = std::max(copied, capacity * record);
      CHECK(memory.Needed(next) + copied <= limit);
    }
    capacity = next;
  }
  CHECK(steps < 40);
  CHECK(memory.Needed(2 * capacity) > limit);
}

TEST_CASE("build memory: room for what is expected, within the limit") {
  CodeSpace space(Metric::kL2, Quantization::kNone, 128);
  BuildMemory enough(space, Options(16, 2, 100 * kMega, 5000));
  CHECK(enough.FirstCapacity() >= 5000);
  CHECK(enough.FirstCapacity() < 6000);
  BuildMemory tight(space, Options(16, 2, 10 * kMega, 1000000));
  CHECK(tight.Needed(tight.FirstCapacity()) <= 10 * kMega);
  CHECK(tight.Needed(tight.FirstCapacity() + 1) > 10 * kMega);
  CHECK(tight.NextCapacity(tight.FirstCapacity()) == 0);
  CHECK(BuildMemory(space, Options(16, 2, 100, 5000)).FirstCapacity() == 0);
}

TEST_CASE("build memory: the limit has room for sealing, for packing, and for the caller") {
  const int threads = GENERATE(1, 2);
  for (uint32_t dim : {1, 100, 2000}) {
    CodeSpace space(Metric::kL2, Quantization::kInt8, dim);
    BuildOptions options = Options(2, threads, 20 * kMega, 10000000);
    options.bytes_beside_linking = 30;
    options.bytes_beside_sealed = 7;
    BuildMemory memory(space, options);
    const size_t n = memory.FirstCapacity();
    REQUIRE(n > 1000);
    CHECK(memory.Linking(n) + 30 * n <= 20 * kMega);
    CHECK(memory.Sealed(n, n) + SpanningTreeBytes(n) / 2 + 7 * n <= 20 * kMega);
    CHECK(memory.Sealed(n, n) + PackingBytes(n) + 7 * n <= 20 * kMega);
    CHECK(memory.Packed(n, n) + 7 * n <= 20 * kMega);
    options.bytes_beside_linking = 0;
    options.bytes_beside_sealed = 0;
    CHECK(BuildMemory(space, options).FirstCapacity() > n);
  }
}

TEST_CASE("build memory: a small limit pays for no threads") {
  CodeSpace space(Metric::kL2, Quantization::kInt8, 128);
  CHECK(BuildMemory(space, Options(16, 8, kMega / 16, 0)).threads() == 1);
  CHECK(BuildMemory(space, Options(16, 8, kMega / 16, 0)).queue_slots() == 0);
  CHECK(BuildMemory(space, Options(16, 8, 64 * kMega, 0)).threads() == 8);
  CHECK(BuildMemory(space, Options(16, 8, 64 * kMega, 0)).queue_slots() > 1000);
}

TEST_CASE("build memory: the builder counts what it holds") {
  CodeSpace space(Metric::kL2, Quantization::kInt8, 1);
  BuildOptions options = Options(2, 1, 64 * kMega, 2000);
  BuildMemory memory(space, options);
  GraphBuilder* builder = GraphBuilder::Create(space, options);
  REQUIRE(builder != nullptr);
  for (int i = 0; i < 2000; i++) {
    float value = static_cast<float>(i % 100);
    float code[3] = {};
    space.Encode(&value, code);
    REQUIRE(builder->Add(code) == BuildStatus::kOk);
  }
  size_t linking = builder->memory_used();
  for (bool done = false; !done;) REQUIRE(builder->SealStep(&done) == BuildStatus::kOk);
  size_t upper = 0;
  for (uint32_t id = 0; id < 2000; id++) upper += memory.UpperLists(builder->Level(id));
  CHECK(upper > 0);
  CHECK(linking == memory.Linking(memory.FirstCapacity()) + upper);
  CHECK(builder->memory_used() == memory.Sealed(memory.FirstCapacity(), 2000) + upper);
  GraphBuilder::Destroy(builder);
}

}  // namespace
}  // namespace hnswpg
