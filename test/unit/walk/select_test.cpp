// The neighbour selection, against its definition.
#include "hnswpg/core/walk/select.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <vector>

namespace hnswpg {
namespace {

struct Points {
  std::vector<float> x, y;

  Points(int n, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::pair<float, float>> all;
    for (int i = 0; i < n; i++) all.push_back({random() % 1000 / 10.0f, random() % 1000 / 10.0f});
    std::sort(all.begin(), all.end(), [](auto a, auto b) {
      return std::hypot(a.first, a.second) < std::hypot(b.first, b.second);
    });
    for (auto [px, py] : all) {
      x.push_back(px);
      y.push_back(py);
    }
  }
  float ToBase(int i) const { return std::hypot(x[i], y[i]); }
  float Between(int i, int j) const { return std::hypot(x[i] - x[j], y[i] - y[j]); }
};

std::vector<int> Choose(const Points& points, int max, const std::set<int>& required) {
  std::vector<int> chosen(points.x.size());
  const int n = SelectNeighbours(
      static_cast<int>(points.x.size()), max, [&](int i) { return points.ToBase(i); },
      [&](int i, int j) { return points.Between(i, j); },
      [&](int i) { return required.count(i) > 0; }, chosen.data());
  chosen.resize(n);
  return chosen;
}

TEST_CASE("a candidate is taken if it is nearest to the base", "[select]") {
  const int max = GENERATE(1, 4, 16, 31);
  const Points points(32, GENERATE(1u, 2u, 3u, 4u));
  std::vector<int> expected;
  for (int i = 0; i < 32 && static_cast<int>(expected.size()) < max; i++) {
    if (std::all_of(expected.begin(), expected.end(),
                    [&](int j) { return points.Between(i, j) >= points.ToBase(i); })) {
      expected.push_back(i);
    }
  }
  REQUIRE(Choose(points, max, {}) == expected);
}

TEST_CASE("fewer candidates than places are all taken", "[select]") {
  const Points points(10, 5);
  std::vector<int> all(10);
  std::iota(all.begin(), all.end(), 0);
  REQUIRE(Choose(points, 11, {}) == all);
  REQUIRE(Choose(points, 10, {}).size() < 10);  // as many as places: the rule applies
  REQUIRE(Choose(Points(0, 1), 4, {}).empty());
}

TEST_CASE("required candidates are taken, however many others are nearer", "[select]") {
  const Points points(33, 6);
  for (int max : {1, 5, 32}) {
    std::set<int> required;
    for (int i = 0; i < max; i++) required.insert(32 - i);
    const std::vector<int> chosen = Choose(points, max, required);
    REQUIRE(std::set<int>(chosen.begin(), chosen.end()) == required);
  }
  const std::vector<int> chosen = Choose(points, 8, {3, 30, 32});
  for (int id : {3, 30, 32}) REQUIRE(std::count(chosen.begin(), chosen.end(), id) == 1);
  REQUIRE(chosen.size() <= 8);
  REQUIRE(chosen[0] == 0);
  REQUIRE(std::is_sorted(chosen.begin(), chosen.end()));
}

}  // namespace
}  // namespace hnswpg
