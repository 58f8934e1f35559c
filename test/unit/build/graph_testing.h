// What the tests of GraphBuilder share: codes to build from; and of any finished graph, whoever
// built it: searching it, recall.
#ifndef HNSWPG_TEST_UNIT_GRAPH_TESTING_H_
#define HNSWPG_TEST_UNIT_GRAPH_TESTING_H_

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "hnswpg/core/build/graph_builder.h"

namespace hnswpg {

struct Destroyer {
  void operator()(GraphBuilder* builder) const { GraphBuilder::Destroy(builder); }
};
using Builder = std::unique_ptr<GraphBuilder, Destroyer>;

constexpr size_t kPlenty = size_t{1} << 30;

// Codes of vectors, one behind the other.
class Codes {
 public:
  explicit Codes(const CodeSpace& space) : space_(space), stride_((space.code_bytes() + 3) / 4) {}

  void Append(const std::vector<float>& vector) {
    buffer_.resize(buffer_.size() + stride_);
    space_.Encode(vector.data(), &buffer_[buffer_.size() - stride_]);
  }
  void AppendCode(const void* code) {
    buffer_.resize(buffer_.size() + stride_);
    memcpy(&buffer_[buffer_.size() - stride_], code, space_.code_bytes());
  }
  const void* operator[](size_t i) const { return &buffer_[i * stride_]; }
  uint32_t size() const { return static_cast<uint32_t>(buffer_.size() / stride_); }
  const CodeSpace& space() const { return space_; }
  size_t stride_bytes() const { return stride_ * sizeof(float); }
  float Distance(size_t a, const void* b) const { return space_.Distance((*this)[a], b); }

 private:
  CodeSpace space_;
  size_t stride_;
  std::vector<float> buffer_;
};

// `clusters` heaps of normally distributed vectors; those of a cluster follow each other.
inline Codes Clusters(const CodeSpace& space, uint32_t n, uint32_t clusters, float width,
                      int seed = 1) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  std::normal_distribution<float> normal;
  Codes codes(space);
  std::vector<float> center(space.dim()), vector(space.dim());
  for (uint32_t i = 0; i < n; i++) {
    if (i % ((n + clusters - 1) / clusters) == 0) {
      for (float& x : center) x = clusters == 1 ? 0 : normal(random);
    }
    for (size_t d = 0; d < vector.size(); d++) vector[d] = center[d] + width * normal(random);
    codes.Append(vector);
  }
  return codes;
}

inline Codes Random(const CodeSpace& space, uint32_t n, int seed = 1) {
  return Clusters(space, n, 1, 1.0f, seed);
}

inline BuildOptions Options(int threads, uint32_t n) {
  BuildOptions options;
  options.m = 8;
  options.ef_construction = 40;
  options.threads = threads;
  options.memory_limit = kPlenty;
  options.expected_elements = n;
  return options;
}

// For comparing with hnswlib.
inline BuildOptions LikeHnswlib(BuildOptions options) {
  options.keep_pruned = false;
  return options;
}

inline void Drain(GraphBuilder* builder) {
  for (bool done = false; !done;) REQUIRE(builder->DrainStep(&done) == BuildStatus::kOk);
}

inline BuildStatus Seal(GraphBuilder* builder) {
  for (bool done = false; !done;) {
    const BuildStatus status = builder->SealStep(&done);
    if (status != BuildStatus::kOk) return status;
  }
  return BuildStatus::kOk;
}

inline Builder Build(const Codes& codes, const BuildOptions& options) {
  Builder builder(GraphBuilder::Create(codes.space(), options));
  REQUIRE(builder != nullptr);
  for (uint32_t i = 0; i < codes.size(); i++) REQUIRE(builder->Add(codes[i]) == BuildStatus::kOk);
  Drain(builder.get());
  REQUIRE(Seal(builder.get()) == BuildStatus::kOk);
  REQUIRE(builder->size() == codes.size());
  return builder;
}

inline std::vector<uint32_t> Links(const BuiltGraph& graph, uint32_t id, int level) {
  std::vector<uint32_t> links(256);
  int count = graph.Links(id, level, links.data());
  links.resize(static_cast<size_t>(count));
  return links;
}

// That every list holds valid, different neighbours on levels that they have, and not too many.
inline void CheckLists(const BuiltGraph& graph, int m) {
  uint32_t n = graph.size();
  for (uint32_t id = 0; id < n; id++) {
    for (int level = 0; level <= graph.Level(id); level++) {
      std::vector<uint32_t> links = Links(graph, id, level);
      REQUIRE(links.size() <= static_cast<size_t>(level == 0 ? 2 * m : m));
      REQUIRE(std::set<uint32_t>(links.begin(), links.end()).size() == links.size());
      for (uint32_t to : links) {
        REQUIRE(to < n);
        REQUIRE(to != id);
        REQUIRE(graph.Level(to) >= level);
      }
    }
  }
}

using Near = std::pair<float, uint32_t>;
using Dead = std::vector<bool>;  // by id; empty: nothing is dead

// The search of the HNSW paper over a finished graph; the k nearest that are alive, nearest first.
inline std::vector<Near> Search(const BuiltGraph& graph, const Codes& codes, const void* query,
                                size_t ef, size_t k, const Dead& dead = {}) {
  auto is_dead = [&](uint32_t id) { return !dead.empty() && dead[id]; };
  Near at = {codes.Distance(graph.entry_point(), query), graph.entry_point()};
  for (int level = graph.max_level(); level > 0; level--) {
    for (bool moved = true; moved;) {
      moved = false;
      for (uint32_t to : Links(graph, at.second, level)) {
        Near next = {codes.Distance(to, query), to};
        if (next.first < at.first) at = next, moved = true;
      }
    }
  }
  std::priority_queue<Near> best;
  std::priority_queue<Near, std::vector<Near>, std::greater<>> open;
  std::vector<bool> seen(graph.size());
  if (!is_dead(at.second)) best.push(at);
  open.push(at);
  seen[at.second] = true;
  while (!open.empty() && (best.size() < ef || open.top().first <= best.top().first)) {
    uint32_t from = open.top().second;
    open.pop();
    for (uint32_t to : Links(graph, from, 0)) {
      if (seen[to]) continue;
      seen[to] = true;
      Near next = {codes.Distance(to, query), to};
      if (best.size() >= ef && next.first >= best.top().first) continue;
      open.push(next);
      if (is_dead(to)) continue;
      best.push(next);
      if (best.size() > ef) best.pop();
    }
  }
  while (best.size() > k) best.pop();
  std::vector<Near> found(best.size());
  for (size_t i = found.size(); i-- > 0; best.pop()) found[i] = best.top();
  return found;
}

// The part of the 10 nearest live elements that a search with ef 40 finds.
inline double Recall(const BuiltGraph& graph, const Codes& codes, const Codes& queries,
                     const Dead& dead = {}) {
  size_t hits = 0;
  for (uint32_t q = 0; q < queries.size(); q++) {
    std::vector<float> exact;
    for (uint32_t i = 0; i < codes.size(); i++) {
      if (dead.empty() || !dead[i]) exact.push_back(codes.Distance(i, queries[q]));
    }
    std::nth_element(exact.begin(), exact.begin() + 9, exact.end());
    for (const Near& near : Search(graph, codes, queries[q], 40, 10, dead))
      hits += near.first <= exact[9];
  }
  return static_cast<double>(hits) / (10.0 * queries.size());
}

}  // namespace hnswpg

#endif  // HNSWPG_TEST_UNIT_GRAPH_TESTING_H_
