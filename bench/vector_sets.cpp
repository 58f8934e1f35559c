// Makes the files of a set of vectors: base.fvecs, query.fvecs and the exact ten nearest of each
// query in gt10.<metric>.ivecs.
//
//   vector_sets --generate N,DIM,QUERIES --metric l2|cos --out DIR [--seed S]
//   vector_sets --base FILE --query FILE --metric l2|cos --out DIR [--count N] [--queries Q]
//
// The second form takes the first N vectors and Q queries of others. Where the base is a whole
// file it is not copied.
//
// Generated vectors are clusters in a space of fewer dimensions than they have numbers, as
// embeddings are:
//   centre + sum over kAxes axes of Gaussian * width of the cluster along the axis + a little noise
// All clusters have the axes in common but their own widths, and are not farther apart than they
// are wide, so that they overlap. Base and queries are drawn alike. The same options give the same
// vectors (with the same C++ library).
#include <cmath>
#include <random>
#include <thread>

#include "bench_set.h"

namespace {

using namespace hnswpg::tools;

constexpr float kWidth = 0.3f;   // of a cluster along an axis, in the median
constexpr float kUneven = 0.8f;  // how much that differs
constexpr float kApart = 0.3f;   // how far clusters are apart along an axis
constexpr size_t kClusters = 100;
constexpr size_t kAxes = 40;
constexpr float kNoise = 0.02f;  // length of what is added to each vector
constexpr size_t kBlock = 4096;  // rows that share a random generator

template <class Body>
void OnAllCores(size_t n, Body body) {
  std::vector<std::thread> threads;
  const size_t count = std::max(1u, std::thread::hardware_concurrency());
  for (size_t t = 0; t < count; t++) {
    threads.emplace_back([=] {
      for (size_t i = t; i < n; i += count) body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

class Clusters {
 public:
  Clusters(size_t dim, uint64_t seed)
      : dim_(dim),
        seed_(seed),
        centres_(kClusters * dim),
        axes_(kAxes * dim),
        widths_(kClusters * kAxes) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> gauss;
    const float scale = 1 / std::sqrt(static_cast<float>(dim));
    for (float& value : axes_) value = gauss(random) * scale;
    for (size_t c = 0; c < kClusters; c++) {
      for (size_t a = 0; a < kAxes; a++) {
        // Some axes matter much in a cluster, most matter little.
        widths_[c * kAxes + a] = kWidth * std::exp(kUneven * gauss(random));
        const float place = kApart * gauss(random);
        for (size_t d = 0; d < dim; d++) centres_[c * dim + d] += place * axes_[a * dim + d];
      }
    }
  }

  Vectors Draw(size_t n, uint64_t stream) const {
    Vectors rows{dim_, std::vector<float>(n * dim_)};
    OnAllCores((n + kBlock - 1) / kBlock, [&](size_t block) {
      std::mt19937_64 random(seed_ * 1000003 + stream * 7919 + block * 104729 + 17);
      const size_t end = std::min(n, (block + 1) * kBlock);
      for (size_t i = block * kBlock; i < end; i++) DrawOne(&random, rows.row(i));
    });
    return rows;
  }

 private:
  void DrawOne(std::mt19937_64* random, float* out) const {
    std::normal_distribution<float> gauss;
    const size_t cluster = (*random)() % kClusters;
    const float noise = kNoise / std::sqrt(static_cast<float>(dim_));
    for (size_t d = 0; d < dim_; d++) {
      out[d] = centres_[cluster * dim_ + d] + noise * gauss(*random);
    }
    for (size_t a = 0; a < kAxes; a++) {
      const float* axis = axes_.data() + a * dim_;
      const float factor = widths_[cluster * kAxes + a] * gauss(*random);
      for (size_t d = 0; d < dim_; d++) out[d] += factor * axis[d];
    }
  }

  size_t dim_;
  uint64_t seed_;
  std::vector<float> centres_, axes_, widths_;
};

float SquaredDistance(const float* a, const float* b, size_t dim) {
  float lanes[16] = {};
  size_t d = 0;
  for (; d + 16 <= dim; d += 16) {
    for (size_t l = 0; l < 16; l++) lanes[l] += (a[d + l] - b[d + l]) * (a[d + l] - b[d + l]);
  }
  float sum = std::accumulate(lanes, lanes + 16, 0.0f);
  for (; d < dim; d++) sum += (a[d] - b[d]) * (a[d] - b[d]);
  return sum;
}

// The exact nearest, for cosine of vectors of length 1. Each thread takes some of the queries
// through the base block by block, so that a block stays in its cache.
Answers Nearest(const Vectors& base, const Vectors& queries) {
  constexpr size_t kRows = 512;
  Answers answers{kNearest, std::vector<int32_t>(queries.n() * kNearest)};
  const size_t threads = std::max(1u, std::thread::hardware_concurrency());
  OnAllCores(threads, [&](size_t t) {
    using Found = std::pair<float, int32_t>;
    std::vector<std::vector<Found>> heaps(queries.n());
    for (size_t begin = 0; begin < base.n(); begin += kRows) {
      const size_t end = std::min(base.n(), begin + kRows);
      for (size_t q = t; q < queries.n(); q += threads) {
        std::vector<Found>& heap = heaps[q];
        for (size_t i = begin; i < end; i++) {
          const Found found(SquaredDistance(base.row(i), queries.row(q), base.dim),
                            static_cast<int32_t>(i));
          if (heap.size() == kNearest && !(found < heap.front())) continue;
          if (heap.size() == kNearest) {
            std::pop_heap(heap.begin(), heap.end());
            heap.pop_back();
          }
          heap.push_back(found);
          std::push_heap(heap.begin(), heap.end());
        }
      }
    }
    for (size_t q = t; q < queries.n(); q += threads) {
      std::sort_heap(heaps[q].begin(), heaps[q].end());
      for (size_t i = 0; i < kNearest; i++) answers.row(q)[i] = heaps[q][i].second;
    }
  });
  return answers;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv, BenchSetOptions({"generate", "out", "seed", "queries"}));
  const std::string metric = options.Text("metric", "l2"), out = options.Text("out");
  if (out.empty()) Fail("--out is needed");
  Vectors base, queries;
  if (options.Has("generate")) {
    const std::vector<size_t> sizes = options.Counts("generate");
    if (sizes.size() != 3) Fail("--generate takes N,DIM,QUERIES");
    const Clusters clusters(sizes[1], options.Count("seed", 1));
    base = clusters.Draw(sizes[0], 0);
    queries = clusters.Draw(sizes[2], 1);
    WriteRows(base, out + "/base.fvecs");
  } else {
    base = ReadRows<float>(options.Text("base"));
    queries = ReadRows<float>(options.Text("query"));
    base.Truncate(options.Count("count", base.n()));
    queries.Truncate(options.Count("queries", queries.n()));
  }
  if (base.n() < kNearest) Fail("fewer vectors than answers asked for");
  WriteRows(queries, out + "/query.fvecs");
  if (ParseDistance(metric) == Distance::kCosine) {
    base = Normalized(std::move(base));
    queries = Normalized(std::move(queries));
  }
  WriteRows(Nearest(base, queries), out + "/gt10." + metric + ".ivecs");
  std::printf("{\"n\": %zu, \"dim\": %zu, \"queries\": %zu}\n", base.n(), base.dim, queries.n());
  return 0;
}
