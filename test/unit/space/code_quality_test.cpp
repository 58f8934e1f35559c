// Codes seen from a centre, and whether they tell neighbours apart: the judgement against
// what a search by those codes finds.
#include "hnswpg/core/space/code_quality.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "hnswpg/core/space/code.h"

namespace hnswpg {
namespace {

using Vector = std::vector<float>;
constexpr Metric kQuantized[] = {Metric::kL2, Metric::kInnerProduct, Metric::kCosine};
constexpr uint32_t kDim = 40;

std::vector<Vector> Draw(size_t count, uint32_t seed,
                         const std::function<double(double, size_t)>& at) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<Vector> vectors(count, Vector(kDim));
  for (Vector& vector : vectors) {
    for (size_t i = 0; i < kDim; i++) vector[i] = static_cast<float>(at(normal(random), i));
  }
  return vectors;
}

// What the codes of a space look at vectors from.
Vector MeanOf(const std::vector<Vector>& vectors, Metric metric) {
  std::vector<double> sum(kDim);
  for (const Vector& vector : vectors) {
    double length2 = 0;
    for (const float value : vector) length2 += double{value} * value;
    const double length = metric == Metric::kCosine ? std::sqrt(length2) : 1;
    for (size_t i = 0; i < kDim; i++) sum[i] += vector[i] / length;
  }
  Vector mean(kDim);
  for (size_t i = 0; i < kDim; i++) {
    mean[i] = static_cast<float>(sum[i] / static_cast<double>(vectors.size()));
  }
  return mean;
}

double Exact(Metric metric, const Vector& a, const Vector& b) {
  double dot = 0, a2 = 0, b2 = 0, l2 = 0;
  for (size_t i = 0; i < kDim; i++) {
    const double x = a[i], y = b[i];
    dot += x * y, a2 += x * x, b2 += y * y, l2 += (x - y) * (x - y);
  }
  if (metric == Metric::kL2) return l2;
  return metric == Metric::kCosine ? 1 - dot / std::sqrt(a2 * b2) : -dot;
}

class Codes {
 public:
  Codes(const CodeSpace& space, const std::vector<Vector>& vectors)
      : space_(space), stride_((space.code_bytes() + 3) / 4), words_(stride_ * vectors.size()) {
    for (size_t i = 0; i < vectors.size(); i++) {
      space.Encode(vectors[i].data(), &words_[i * stride_]);
    }
  }
  const void* operator[](size_t i) const { return &words_[i * stride_]; }
  float Distance(size_t a, size_t b) const { return space_.Distance((*this)[a], (*this)[b]); }

 private:
  const CodeSpace& space_;
  size_t stride_;
  std::vector<uint32_t> words_;
};

std::vector<size_t> Nearest(size_t n, size_t k, const std::function<double(size_t)>& distance) {
  std::vector<double> distances(n);
  for (size_t i = 0; i < n; i++) distances[i] = distance(i);
  std::vector<size_t> ids(n);
  std::iota(ids.begin(), ids.end(), 0);
  std::partial_sort(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(k), ids.end(),
                    [&](size_t a, size_t b) { return distances[a] < distances[b]; });
  ids.resize(k);
  return ids;
}

struct Outcome {
  double found;  // of the ten nearest, among the forty nearest by codes
  double good;   // of the vectors, those whose codes are judged good
};

Outcome Judge(const CodeSpace& space, const std::vector<Vector>& vectors) {
  constexpr size_t kProbes = 60;
  const Codes codes(space, vectors);
  const size_t n = vectors.size();
  double found = 0, good = 0;
  for (size_t probe = 0; probe < kProbes; probe++) {
    const auto by_code = Nearest(n, 41, [&](size_t i) { return codes.Distance(probe, i); });
    const auto exactly =
        Nearest(n, 10, [&](size_t i) { return Exact(space.metric(), vectors[probe], vectors[i]); });
    for (const size_t id : exactly) {
      found += std::count(by_code.begin(), by_code.begin() + 40, id) > 0 ? 1 : 0;
    }
    CodeQuality quality;
    for (const size_t id : by_code) {
      if (id == probe || quality.n() == CodeQuality::kMost) continue;
      const float distance = codes.Distance(probe, id);
      quality.Add(distance, space.ErrorVariance(codes[probe], codes[id], distance));
    }
    good += quality.Known() && quality.Good() ? 1 : 0;
  }
  return {found / (10 * kProbes), good / kProbes};
}

TEST_CASE("from their centre, codes do as well wherever the data lie", "[code_quality]") {
  const Metric metric = GENERATE(from_range(kQuantized));
  const double offset = GENERATE(0.0, 1.0, 100.0, 10000.0, -3000.0);
  CAPTURE(offset);
  const auto vectors = Draw(2000, 1, [offset](double g, size_t) { return offset + g; });
  const Vector mean = MeanOf(vectors, metric);
  const Outcome outcome = Judge(CodeSpace(metric, Quantization::kInt8, kDim, mean.data()), vectors);
  CHECK(outcome.found == 1.0);
  CHECK(outcome.good == 1.0);
}

TEST_CASE("one constant large value does no harm from the centre", "[code_quality]") {
  const Metric metric = GENERATE(from_range(kQuantized));
  const auto vectors = Draw(2000, 2, [](double g, size_t i) { return i == 0 ? 1000 : g; });
  const Vector mean = MeanOf(vectors, metric);
  const Outcome outcome = Judge(CodeSpace(metric, Quantization::kInt8, kDim, mean.data()), vectors);
  CHECK(outcome.found == 1.0);
  CHECK(outcome.good >= 0.95);
}

TEST_CASE("codes that cannot tell neighbours apart are found out", "[code_quality]") {
  const Metric metric = GENERATE(Metric::kL2, Metric::kCosine);
  const auto far = Draw(2000, 3, [](double g, size_t) { return 100 + g; });
  const Outcome origin = Judge(CodeSpace(metric, Quantization::kInt8, kDim), far);
  CHECK(origin.found < 0.98);
  CHECK(origin.good < 0.05);

  const auto wide = Draw(2000, 4, [](double g, size_t i) { return i == 0 ? 1000 * g : g; });
  const Vector mean = MeanOf(wide, Metric::kCosine);
  const Outcome one =
      Judge(CodeSpace(Metric::kCosine, Quantization::kInt8, kDim, mean.data()), wide);
  CHECK(one.found < 0.9);
  CHECK(one.good < 0.1);
}

TEST_CASE("the error of a distance is as large as it is said to be", "[code_quality]") {
  const Metric metric = GENERATE(from_range(kQuantized));
  const double offset = GENERATE(0.0, 2.0);
  const auto vectors = Draw(300, 5, [offset](double g, size_t) { return offset + g; });
  const Vector mean = MeanOf(vectors, metric);
  const CodeSpace space(metric, Quantization::kInt8, kDim, mean.data());
  const Codes codes(space, vectors);
  double measured = 0, said = 0;
  for (size_t a = 0; a < vectors.size(); a++) {
    for (size_t b = 0; b < a; b++) {
      const float distance = codes.Distance(a, b);
      const double error = distance - Exact(metric, vectors[a], vectors[b]);
      measured += error * error;
      said += space.ErrorVariance(codes[a], codes[b], distance);
    }
  }
  CHECK(said > 0.7 * measured);
  CHECK(said < 1.4 * measured);
}

TEST_CASE("distances are right at the ends of what a float holds", "[code_quality]") {
  const double size = GENERATE(1e-20, 1e-18, 1e18);
  const auto vectors = Draw(50, 6, [size](double g, size_t) { return size * g; });
  const CodeSpace space(Metric::kL2, Quantization::kInt8, kDim);
  const Codes codes(space, vectors);
  for (size_t a = 0; a < vectors.size(); a++) {
    for (size_t b = 0; b < a; b++) {
      const double exact = Exact(Metric::kL2, vectors[a], vectors[b]);
      REQUIRE(std::fabs(codes.Distance(a, b) - exact) < 0.05 * exact);
      REQUIRE(codes.Distance(a, b) == codes.Distance(b, a));
    }
  }
}

TEST_CASE("a code is judged by the nearest of any number of others", "[code_quality]") {
  const Metric metric = GENERATE(from_range(kQuantized));
  const size_t n = GENERATE(size_t{0}, size_t{3}, size_t{16}, size_t{17}, size_t{64}, size_t{500});
  CAPTURE(n);
  const auto vectors = Draw(n + 1, 7, [](double g, size_t) { return 3 + g; });
  const CodeSpace space(metric, Quantization::kInt8, kDim);
  const Codes codes(space, vectors);
  std::vector<const char*> others;
  for (size_t i = 1; i <= n; i++) others.push_back(static_cast<const char*>(codes[i]));

  CodeQuality expected;
  for (const size_t i :
       Nearest(n, std::min<size_t>(n, CodeQuality::kMost),
               [&](size_t k) { return codes.Distance(0, k + 1); })) {
    const float distance = codes.Distance(0, i + 1);
    expected.Add(distance, space.ErrorVariance(codes[0], codes[i + 1], distance));
  }
  const CodeQuality judged = JudgeCode(space, codes[0], others.data(), n);
  CHECK(judged.n() == expected.n());
  CHECK(judged.Known() == (n >= CodeQuality::kFewest));
  CHECK(judged.Good() == expected.Good());

  // One that is far away, first or last, changes nothing where there are enough.
  if (n < CodeQuality::kMost) return;
  const auto far = Draw(1, 8, [](double g, size_t) { return 900 + g; });
  const Codes far_code(space, far);
  for (const bool first : {false, true}) {
    auto more = others;
    more.insert(first ? more.begin() : more.end(), static_cast<const char*>(far_code[0]));
    CHECK(JudgeCode(space, codes[0], more.data(), n + 1).Good() == judged.Good());
  }
}

TEST_CASE("few neighbours say nothing, infinite distances nothing good", "[code_quality]") {
  CodeQuality few;
  for (int i = 0; i < CodeQuality::kFewest; i++) {
    CHECK(!few.Known());
    few.Add(static_cast<float>(i), 0);
  }
  CHECK(few.Known());
  CHECK(few.Good());
  CodeQuality same;
  for (int i = 0; i < 10; i++) same.Add(1.0f, 1e-9);
  CHECK(!same.Good());
  CodeQuality infinite;
  for (int i = 0; i < 10; i++) infinite.Add(std::numeric_limits<float>::infinity(), 0);
  CHECK(!infinite.Good());
}

}  // namespace
}  // namespace hnswpg
