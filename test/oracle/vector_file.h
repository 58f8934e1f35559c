// Vectors for the programs of the tests and measurements: files of them, generated ones, and the
// exact answers to nearest-neighbour queries.
//
// .fvecs: for each vector its dimension as int32, then the values as float32. .ivecs: the same with
// int32 values. Little-endian. A failure ends the program with a message.
#ifndef HNSWPG_TEST_ORACLE_VECTOR_FILE_H_
#define HNSWPG_TEST_ORACLE_VECTOR_FILE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace hnswpg::tools {

[[noreturn]] inline void Fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::exit(1);
}

// `n` rows of `dim` values, one after another.
template <class T>
struct Rows {
  size_t dim = 0;
  std::vector<T> values;

  size_t n() const { return dim == 0 ? 0 : values.size() / dim; }
  const T* row(size_t i) const { return values.data() + i * dim; }
  T* row(size_t i) { return values.data() + i * dim; }
  void Truncate(size_t n) {
    if (n < this->n()) values.resize(n * dim);
  }
};
using Vectors = Rows<float>;
using Answers = Rows<int32_t>;

enum class Distance { kL2, kCosine };

inline Distance ParseDistance(const std::string& name) {
  if (name == "l2") return Distance::kL2;
  if (name == "cos") return Distance::kCosine;
  Fail("unknown metric '" + name + "': l2 and cos are known");
}

template <class T>
Rows<T> ReadRows(const std::string& path) {
  static_assert(sizeof(T) == 4);
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail("cannot open " + path);
  Rows<T> rows;
  for (int32_t dim; file.read(reinterpret_cast<char*>(&dim), sizeof dim);) {
    if (dim <= 0 || (rows.dim != 0 && rows.dim != static_cast<size_t>(dim))) {
      Fail(path + ": dimensions differ or are not positive");
    }
    rows.dim = dim;
    rows.values.resize(rows.values.size() + dim);
    T* row = rows.values.data() + rows.values.size() - dim;
    if (!file.read(reinterpret_cast<char*>(row), dim * sizeof(T)))
      Fail(path + ": ends in a vector");
  }
  if (rows.dim == 0) Fail(path + ": no vectors");
  return rows;
}

template <class T>
void WriteRows(const Rows<T>& rows, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  const int32_t dim = static_cast<int32_t>(rows.dim);
  for (size_t i = 0; i < rows.n(); i++) {
    file.write(reinterpret_cast<const char*>(&dim), sizeof dim);
    file.write(reinterpret_cast<const char*>(rows.row(i)), rows.dim * sizeof(T));
  }
  if (!file.flush()) Fail("cannot write " + path);
}

// Vectors in clusters, like embeddings: the centres and the spread around them are Gaussian, and
// each further dimension has a little less of both. The clusters follow from `seed` alone, so that
// base (stream 0) and queries (stream 1) are drawn from the same ones.
inline Vectors Generate(size_t n, size_t dim, uint64_t seed, uint64_t stream) {
  constexpr size_t kClusters = 64;
  constexpr float kSpread = 0.5f;
  std::mt19937_64 for_centres(seed);
  std::mt19937_64 random(seed * 1000003 + 17 * (stream + 1));
  std::normal_distribution<float> gauss;
  std::vector<float> centres(kClusters * dim);
  const auto weight = [dim](size_t d) {
    return std::exp(-2.0f * static_cast<float>(d) / static_cast<float>(dim));
  };
  for (size_t i = 0; i < centres.size(); i++) centres[i] = gauss(for_centres) * weight(i % dim);
  Vectors rows{dim, std::vector<float>(n * dim)};
  for (size_t i = 0; i < n; i++) {
    const float* centre = centres.data() + random() % kClusters * dim;
    for (size_t d = 0; d < dim; d++) {
      rows.row(i)[d] = centre[d] + kSpread * weight(d) * gauss(random);
    }
  }
  return rows;
}

inline float DotProduct(const float* a, const float* b, size_t dim) {
  float lanes[16] = {};
  size_t d = 0;
  for (; d + 16 <= dim; d += 16) {
    for (size_t l = 0; l < 16; l++) lanes[l] += a[d + l] * b[d + l];
  }
  float sum = std::accumulate(lanes, lanes + 16, 0.0f);
  for (; d < dim; d++) sum += a[d] * b[d];
  return sum;
}

// The rows scaled to length 1.
inline Vectors Normalized(Vectors rows) {
  for (size_t i = 0; i < rows.n(); i++) {
    float* row = rows.row(i);
    const float length = std::sqrt(DotProduct(row, row, rows.dim));
    for (size_t d = 0; d < rows.dim; d++) row[d] /= length;
  }
  return rows;
}

// The positions in `base` of the `k` nearest of each query, nearest first, by comparing with every
// vector for which keep[i] is true (an empty `keep`: with all). Two threads.
inline Answers ExactAnswers(const Vectors& base, const Vectors& queries, Distance distance,
                            size_t k, const std::vector<bool>& keep = {}) {
  std::vector<float> norms(base.n());
  for (size_t i = 0; i < base.n(); i++) norms[i] = DotProduct(base.row(i), base.row(i), base.dim);
  Answers answers{k, std::vector<int32_t>(queries.n() * k)};
  const auto answer = [&](size_t q) {
    std::vector<std::pair<float, int32_t>> all;
    all.reserve(base.n());
    for (size_t i = 0; i < base.n(); i++) {
      if (!keep.empty() && !keep[i]) continue;
      const float dot = DotProduct(base.row(i), queries.row(q), base.dim);
      const float d = distance == Distance::kL2 ? norms[i] - 2 * dot : -dot / std::sqrt(norms[i]);
      all.emplace_back(d, static_cast<int32_t>(i));
    }
    if (all.size() < k) Fail("fewer vectors than answers asked for");
    std::partial_sort(all.begin(), all.begin() + k, all.end());
    for (size_t i = 0; i < k; i++) answers.row(q)[i] = all[i].second;
  };
  const auto half = [&](size_t begin) {
    for (size_t q = begin; q < queries.n(); q += 2) answer(q);
  };
  std::thread other(half, 1);
  half(0);
  other.join();
  return answers;
}

// How many of the first `k` answers are among `found`.
template <class Found>
size_t CountFound(const int32_t* answers, size_t k, const Found& found) {
  return std::count_if(answers, answers + k, [&found](int32_t answer) {
    return std::find(std::begin(found), std::end(found), answer) != std::end(found);
  });
}

// Recall: the share of the answers' first `k` that were found. found[q] are positions in the base.
inline double Recall(const Answers& answers, const std::vector<std::vector<int32_t>>& found,
                     size_t k) {
  size_t hits = 0;
  for (size_t q = 0; q < found.size(); q++) hits += CountFound(answers.row(q), k, found[q]);
  return static_cast<double>(hits) / static_cast<double>(k * found.size());
}

}  // namespace hnswpg::tools

#endif  // HNSWPG_TEST_ORACLE_VECTOR_FILE_H_
