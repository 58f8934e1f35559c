// The centre against one that is found by sorting, and against what it promises of far vectors,
// of cosine, of too many vectors, and of its pause.
#include "hnswpg/core/space/centre_finder.h"

#include <algorithm>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "memory/malloc_arena.h"

namespace hnswpg {
namespace {

using Vector = std::vector<float>;

std::vector<Vector> Draw(uint32_t n, uint32_t dim) {
  std::mt19937 random(n + dim);
  std::normal_distribution<float> normal(3, 2);
  std::vector<Vector> vectors(n, Vector(dim));
  for (Vector& vector : vectors) {
    for (float& x : vector) x = normal(random);
  }
  return vectors;
}

Vector CentreOf(Metric metric, const std::vector<Vector>& vectors) {
  MallocArena memory;
  const uint32_t n = static_cast<uint32_t>(vectors.size());
  CentreFinder finder(metric, static_cast<uint32_t>(vectors[0].size()), n, memory.arena());
  for (const Vector& vector : vectors) finder.Add(vector.data());
  Vector centre(vectors[0].size());
  finder.Find(centre.data());
  return centre;
}

Vector BySorting(const std::vector<Vector>& vectors) {
  const size_t n = vectors.size(), quarter = n / 4;
  Vector centre(vectors[0].size());
  for (size_t i = 0; i < centre.size(); i++) {
    std::vector<float> values(n);
    for (size_t k = 0; k < n; k++) values[k] = vectors[k][i];
    std::sort(values.begin(), values.end());
    double sum = 0;
    for (size_t k = quarter; k < n - quarter; k++) sum += values[k];
    centre[i] = static_cast<float>(sum / static_cast<double>(n - 2 * quarter));
  }
  return centre;
}

void CheckNear(const Vector& a, const Vector& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); i++) CHECK(a[i] == Catch::Approx(b[i]).margin(1e-6));
}

TEST_CASE("centre: the mean between the quartiles of each dimension", "[centre_finder]") {
  const uint32_t n = GENERATE(1u, 2u, 3u, 4u, 5u, 7u, 8u, 1000u);
  CAPTURE(n);
  const std::vector<Vector> vectors = Draw(n, 5);
  const Metric metric = GENERATE(Metric::kL2, Metric::kInnerProduct);
  CheckNear(CentreOf(metric, vectors), BySorting(vectors));
}

TEST_CASE("centre: a few far away do not move it", "[centre_finder]") {
  std::vector<Vector> vectors(100, Vector{1, -2});
  for (size_t i = 0; i < 20; i++) vectors[i * 5] = {1e30f, i % 2 ? -1e30f : 1e30f};
  CHECK(CentreOf(Metric::kL2, vectors) == Vector{1, -2});
}

TEST_CASE("centre: for cosine lengths do not count", "[centre_finder]") {
  std::vector<Vector> vectors = Draw(50, 6);
  std::vector<Vector> directions = vectors;
  for (Vector& vector : directions) {
    double length2 = 0;
    for (const float x : vector) length2 += double{x} * x;
    for (float& x : vector) x = static_cast<float>(x / std::sqrt(length2));
  }
  for (size_t k = 0; k < vectors.size(); k++) {
    for (float& x : vectors[k]) x *= static_cast<float>(1 + k);
  }
  CheckNear(CentreOf(Metric::kCosine, vectors), BySorting(directions));
}

TEST_CASE("centre: vectors beyond the capacity are passed over", "[centre_finder]") {
  MallocArena memory;
  CentreFinder finder(Metric::kL2, 2, 2, memory.arena());
  for (const Vector& vector : {Vector{1, 2}, Vector{3, 4}, Vector{500, 600}}) {
    finder.Add(vector.data());
  }
  REQUIRE(finder.n() == 2);
  CHECK(Vector(finder.vector(0), finder.vector(0) + 2) == Vector{1, 2});
  CHECK(Vector(finder.vector(1), finder.vector(1) + 2) == Vector{3, 4});
  Vector centre(2);
  finder.Find(centre.data());
  CHECK(centre == Vector{2, 3});
}

int pauses = 0;

TEST_CASE("centre: pauses in each dimension, and leaves the vectors as they are",
          "[centre_finder]") {
  MallocArena memory;
  CentreFinder finder(Metric::kL2, 3, 8, memory.arena(), [] { pauses++; });
  const std::vector<Vector> vectors = Draw(8, 3);
  for (const Vector& vector : vectors) finder.Add(vector.data());
  pauses = 0;
  Vector centre(3);
  finder.Find(centre.data());
  CHECK(pauses == 3);
  for (uint32_t k = 0; k < 8; k++) {
    CHECK(Vector(finder.vector(k), finder.vector(k) + 3) == vectors[k]);
  }
}

}  // namespace
}  // namespace hnswpg
