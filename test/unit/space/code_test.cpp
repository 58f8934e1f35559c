// Codes: what Encode writes, how far code distances may be from exact ones, and
// that no input makes a distance NaN.
#include "hnswpg/core/space/code.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace {

using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
using hnswpg::CodeHeader;
using hnswpg::CodeSpace;
using hnswpg::CodeSum;
using hnswpg::GetKernels;
using hnswpg::Half;
using hnswpg::Metric;
using hnswpg::Narrow;
using hnswpg::Quantization;
using hnswpg::QueryCode;
using hnswpg::Representation;
using hnswpg::SpaceExists;

constexpr Metric kQuantized[] = {Metric::kL2, Metric::kInnerProduct, Metric::kCosine};
constexpr Metric kAll[] = {Metric::kL2, Metric::kInnerProduct, Metric::kCosine, Metric::kL1};
constexpr float kInfinity = std::numeric_limits<float>::infinity();

using Vector = std::vector<float>;

// A code in memory that is aligned as codes are.
class Code {
 public:
  Code(const CodeSpace& space, const Vector& vector)
      : int8_(space.quantization() == Quantization::kInt8),
        dim_(space.dim()),
        words_((space.code_bytes() + 3) / 4 + 1, kCanary) {
    space.Encode(vector.data(), words_.data());
  }

  const void* data() const { return words_.data(); }
  const uint8_t* payload() const {
    return reinterpret_cast<const uint8_t*>(words_.data()) + sizeof(CodeHeader);
  }
  CodeHeader header() const {
    CodeHeader header;
    memcpy(&header, words_.data(), sizeof header);
    return header;
  }
  std::vector<int> ints() const {
    const int8_t* values = reinterpret_cast<const int8_t*>(payload());
    return {values, values + dim_};
  }
  // The vector that the code stands for.
  std::vector<double> Decoded() const {
    std::vector<double> values(dim_);
    for (size_t i = 0; i < dim_; i++) {
      float item;
      if (!int8_) memcpy(&item, payload() + i * sizeof item, sizeof item);
      values[i] = static_cast<double>(header().scale) *
                  (int8_ ? reinterpret_cast<const int8_t*>(payload())[i] : item);
    }
    return values;
  }
  bool CanaryAlive() const { return words_.back() == kCanary; }

 private:
  static constexpr uint32_t kCanary = 0xC0DEC0DE;
  bool int8_;
  size_t dim_;
  std::vector<uint32_t> words_;
};

// Vectors around a few centres, in few of their dimensions and a little noise in
// the others, as embeddings are.
std::vector<Vector> Clustered(size_t count, size_t dim, uint32_t seed) {
  constexpr size_t kRank = 12, kCentres = 20;
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  const auto draw = [&](size_t n, float width) {
    Vector values(n);
    for (float& value : values) value = width * normal(random);
    return values;
  };
  const Vector basis = draw(kRank * dim, 1);
  std::vector<Vector> centres;
  for (size_t i = 0; i < kCentres; i++) centres.push_back(draw(kRank, 1));
  std::vector<Vector> vectors;
  for (size_t i = 0; i < count; i++) {
    const Vector& centre = centres[random() % kCentres];
    const Vector offset = draw(kRank, 0.5);
    Vector vector = draw(dim, 0.1);
    for (size_t r = 0; r < kRank; r++) {
      for (size_t d = 0; d < dim; d++) vector[d] += (centre[r] + offset[r]) * basis[r * dim + d];
    }
    vectors.push_back(vector);
  }
  return vectors;
}

std::vector<Vector> Random(size_t count, size_t dim, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> real(-1, 1);
  std::vector<Vector> vectors(count, Vector(dim));
  for (Vector& vector : vectors) {
    for (float& value : vector) value = real(random);
  }
  return vectors;
}

template <class A, class B>
double Dot(const A& a, const B& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0, std::plus<>(),
                            [](double x, double y) { return x * y; });
}

// The exact distance, in double.
double True(Metric metric, const Vector& a, const Vector& b) {
  switch (metric) {
    case Metric::kInnerProduct:
      return -Dot(a, b);
    case Metric::kCosine:
      return 1 - Dot(a, b) / std::sqrt(Dot(a, a) * Dot(b, b));
    case Metric::kL2:
    case Metric::kL1:
      break;
  }
  double sum = 0;
  for (size_t i = 0; i < a.size(); i++) {
    const double diff = std::fabs(static_cast<double>(a[i]) - b[i]);
    sum += metric == Metric::kL2 ? diff * diff : diff;
  }
  return sum;
}

double Max(const Vector& v) {
  double max = 0;
  for (const float value : v) max = std::max(max, std::fabs(static_cast<double>(value)));
  return max;
}

double L1Norm(const Vector& v) {
  double sum = 0;
  for (const float value : v) sum += std::fabs(value);
  return sum;
}

// The most by which an int8 code distance may be wrong: each value of the payload
// is off by half a unit at most.
double Bound(Metric metric, const Vector& a, const Vector& b) {
  const double unit_a = Max(a) / 127, unit_b = Max(b) / 127;
  const double dot = L1Norm(a) * unit_b / 2 + L1Norm(b) * unit_a / 2 +
                     static_cast<double>(a.size()) * unit_a * unit_b / 4;
  const double norms = std::sqrt(Dot(a, a) * Dot(b, b));
  const double rounding = 1e-6;
  if (metric == Metric::kInnerProduct) return dot + rounding * norms;
  // The error of the difference's squared length, of v or of v / |v|.
  const bool cosine = metric == Metric::kCosine;
  const double length_a = cosine ? std::sqrt(Dot(a, a)) : 1;
  const double length_b = cosine ? std::sqrt(Dot(b, b)) : 1;
  const double half_units = (unit_a / length_a + unit_b / length_b) / 2;
  double bound = static_cast<double>(a.size()) * half_units * half_units;
  for (size_t i = 0; i < a.size(); i++) {
    bound += 2 * std::fabs(a[i] / length_a - b[i] / length_b) * half_units;
  }
  return cosine ? bound / 2 + rounding : bound + rounding * (Dot(a, a) + Dot(b, b));
}

Vector Scaled(Vector v, int power_of_two) {
  for (float& value : v) value = std::ldexp(value, power_of_two);
  return v;
}

}  // namespace

TEST_CASE("sizes of codes", "[code]") {
  const CodeSpace int8(Metric::kL2, Quantization::kInt8, 100);
  CHECK(int8.metric() == Metric::kL2);
  CHECK(int8.quantization() == Quantization::kInt8);
  CHECK(int8.dim() == 100);
  CHECK(int8.payload_bytes() == 100);
  CHECK(int8.code_bytes() == 108);
  const CodeSpace none(Metric::kCosine, Quantization::kNone, 3);
  CHECK(none.payload_bytes() == 12);
  CHECK(none.code_bytes() == 20);
}

TEST_CASE("there are spaces of every metric, and codes of all but L1", "[code]") {
  for (Metric metric : kAll) {
    CAPTURE(static_cast<int>(metric));
    CHECK(SpaceExists({Representation::kFloat32, metric, Quantization::kNone}));
    CHECK(SpaceExists({Representation::kFloat32, metric, Quantization::kInt8}) ==
          (metric != Metric::kL1));
  }
  for (Metric metric : kAll) {
    for (Quantization quantization : {Quantization::kNone, Quantization::kInt8}) {
      CHECK(SpaceExists({Representation::kFloat16, metric, quantization}) ==
            SpaceExists({Representation::kFloat32, metric, quantization}));
    }
  }
  // What a damaged metapage may say.
  CHECK_FALSE(SpaceExists({Representation::kFloat32, Metric{0}, Quantization::kNone}));
  CHECK_FALSE(SpaceExists({Representation::kFloat32, Metric{5}, Quantization::kNone}));
  CHECK_FALSE(SpaceExists({Representation::kFloat32, Metric::kL2, Quantization{2}}));
  CHECK_FALSE(SpaceExists({Representation{255}, Metric::kL2, Quantization::kNone}));
}

// What a half float is, a float is too: so nothing differs but the bytes.
TEST_CASE("vectors of half floats are those of the same floats", "[code][half]") {
  for (const uint32_t dim : {1u, 3u, 32u, 100u, 768u}) {
    const std::vector<Vector> drawn = Random(12, dim, dim);
    std::vector<std::vector<Half>> halves;
    std::vector<Vector> floats;
    for (const Vector& vector : drawn) {
      halves.emplace_back();
      for (const float value : vector) halves.back().push_back(Narrow(value));
      floats.emplace_back(dim);
      GetKernels().widen_f16(halves.back().data(), dim, floats.back().data());
    }
    const Vector centre(dim, 0.25f);
    for (Metric metric : kAll) {
      for (Quantization quantization : {Quantization::kNone, Quantization::kInt8}) {
        if (!SpaceExists({Representation::kFloat16, metric, quantization})) continue;
        CAPTURE(dim, static_cast<int>(metric), static_cast<int>(quantization));
        const CodeSpace half({Representation::kFloat16, metric, quantization}, dim, centre.data());
        const CodeSpace whole({Representation::kFloat32, metric, quantization}, dim, centre.data());
        CHECK(half.vector_bytes() == 2 * dim);
        std::vector<std::vector<float>> half_codes, whole_codes;  // aligned to 4 bytes
        for (size_t i = 0; i < floats.size(); i++) {
          Vector back(dim);
          half.ToFloats(halves[i].data(), back.data());
          CHECK(back == floats[i]);
          CHECK(half.FirstNotFinite(halves[i].data()) == dim);
          half_codes.emplace_back(half.code_bytes() / 4 + 1);
          whole_codes.emplace_back(whole.code_bytes() / 4 + 1);
          half.Encode(halves[i].data(), half_codes[i].data());
          whole.Encode(floats[i].data(), whole_codes[i].data());
        }
        for (size_t i = 0; i < floats.size(); i++) {
          const float by_half = half.Distance(half_codes[0].data(), half_codes[i].data());
          const float by_float = whole.Distance(whole_codes[0].data(), whole_codes[i].data());
          const float exact_half = half.ExactDistance(halves[0].data(), halves[i].data());
          const float exact_float = whole.ExactDistance(floats[0].data(), floats[i].data());
          const float tolerance = 1e-5f * (1 + std::abs(by_float));
          CHECK(std::abs(by_half - by_float) <= tolerance);
          CHECK(std::abs(exact_half - exact_float) <= tolerance);
        }
      }
    }
  }
  const Half bad[3] = {{0x3C00}, {0x7C00}, {0x7E00}};
  const Half zero[3] = {{0}, {0x8000}, {0}};
  const CodeSpace space({Representation::kFloat16, Metric::kCosine, Quantization::kNone}, 3);
  CHECK(space.FirstNotFinite(bad) == 1);
  CHECK_FALSE(space.HasDistances(zero));
  CHECK(space.HasDistances(bad));
}

TEST_CASE("a vector without distances, or with a value that is no number", "[code]") {
  const float zero[3] = {0, -0.0f, 0}, small[3] = {0, 0, 1e-45f};
  const float bad[3] = {1, std::numeric_limits<float>::quiet_NaN(), kInfinity};
  for (Metric metric : kAll) {
    for (Quantization quantization : {Quantization::kNone, Quantization::kInt8}) {
      if (!SpaceExists({Representation::kFloat32, metric, quantization})) continue;
      CAPTURE(static_cast<int>(metric), static_cast<int>(quantization));
      const CodeSpace space(metric, quantization, 3);
      CHECK(space.vector_bytes() == 12);
      CHECK(space.HasDistances(zero) == (metric != Metric::kCosine));
      CHECK(space.HasDistances(small));
      CHECK(space.FirstNotFinite(small) == 3);
      CHECK(space.FirstNotFinite(bad) == 1);
    }
  }
}

TEST_CASE("an int8 code is the vector to half a unit", "[code]") {
  const Metric metric = GENERATE(from_range(kQuantized));
  for (const size_t dim : {1, 3, 100, 128, 129, 768}) {
    const CodeSpace space(metric, Quantization::kInt8, static_cast<uint32_t>(dim));
    for (const Vector& vector : Random(20, dim, 1)) {
      const Code code(space, vector);
      CHECK(code.CanaryAlive());
      const double norm = metric == Metric::kCosine ? std::sqrt(Dot(vector, vector)) : 1;
      const double unit = Max(vector) / 127;
      const double root = metric == Metric::kL2 ? std::sqrt(2.0) : 1;
      CHECK_THAT(code.header().scale, WithinRel(root * unit / norm, 1e-6));
      const double length2 = Dot(code.Decoded(), code.Decoded());
      const double offset = metric == Metric::kInnerProduct ? 0 : length2 / 2;
      CHECK_THAT(code.header().offset, WithinRel(offset, 1e-6));
      int largest = 0;
      for (size_t i = 0; i < dim; i++) {
        const int value = code.ints()[i];
        largest = std::max(largest, std::abs(value));
        REQUIRE(std::fabs(value * unit - vector[i]) <= unit * 0.5000001);
      }
      CHECK(largest == 127);
    }
  }
}

TEST_CASE("a code without quantization holds the vector as it is", "[code]") {
  const Metric metric = GENERATE(from_range(kAll));
  const CodeSpace space(metric, Quantization::kNone, 77);
  for (const Vector& vector : Random(20, 77, 2)) {
    const Code code(space, vector);
    CHECK(code.CanaryAlive());
    CHECK(memcmp(code.payload(), vector.data(), space.payload_bytes()) == 0);
    const double norm = metric == Metric::kCosine ? std::sqrt(Dot(vector, vector)) : 1;
    CHECK_THAT(code.header().scale, WithinRel(1 / norm, 1e-6));
  }
}

TEST_CASE("int8 distances stay within the error of rounding", "[code]") {
  const Metric metric = GENERATE(from_range(kQuantized));
  for (const size_t dim : {2, 100, 768}) {
    const CodeSpace space(metric, Quantization::kInt8, static_cast<uint32_t>(dim));
    std::vector<Vector> vectors = Random(25, dim, 3);
    for (const Vector& vector : Clustered(25, dim, 4)) vectors.push_back(vector);
    for (const Vector& a : vectors) {
      for (const Vector& b : vectors) {
        const float got = space.Distance(Code(space, a).data(), Code(space, b).data());
        REQUIRE(std::fabs(got - True(metric, a, b)) <= Bound(metric, a, b));
      }
    }
  }
}

TEST_CASE("an int8 distance is the formula over the decoded codes", "[code]") {
  const Metric metric = GENERATE(from_range(kQuantized));
  const CodeSpace space(metric, Quantization::kInt8, 100);
  const std::vector<Vector> vectors = Clustered(20, 100, 5);
  for (const Vector& a : vectors) {
    for (const Vector& b : vectors) {
      const Code code_a(space, a), code_b(space, b);
      const double dot = Dot(code_a.Decoded(), code_b.Decoded());
      const double offsets =
          static_cast<double>(code_a.header().offset) + static_cast<double>(code_b.header().offset);
      REQUIRE_THAT(space.Distance(code_a.data(), code_b.data()),
                   WithinAbs(offsets - dot, 1e-6 * (offsets + std::fabs(dot) + 1)));
    }
  }
}

TEST_CASE("distances without quantization are the exact ones", "[code]") {
  const Metric metric = GENERATE(from_range(kAll));
  for (const size_t dim : {1, 3, 100, 768}) {
    const CodeSpace space(metric, Quantization::kNone, static_cast<uint32_t>(dim));
    const std::vector<Vector> vectors = Random(20, dim, 6);
    for (const Vector& a : vectors) {
      for (const Vector& b : vectors) {
        const double magnitude = metric == Metric::kCosine ? 1 : L1Norm(a) + L1Norm(b);
        const float got = space.Distance(Code(space, a).data(), Code(space, b).data());
        REQUIRE_THAT(got, WithinAbs(True(metric, a, b), 2e-6 * magnitude));
        REQUIRE_THAT(space.ExactDistance(a.data(), b.data()),
                     WithinAbs(True(metric, a, b), 2e-6 * magnitude));
      }
    }
  }
}

TEST_CASE("a distance in pieces is the distance in one", "[code]") {
  const Metric metric = GENERATE(from_range(kAll));
  const Quantization quantization = GENERATE(Quantization::kNone, Quantization::kInt8);
  if (!SpaceExists({Representation::kFloat32, metric, quantization})) return;
  constexpr uint32_t kDim = 3001;
  const CodeSpace space(metric, quantization, kDim);
  const std::vector<Vector> vectors = Random(2, kDim, 7);
  const Code a(space, vectors[0]), b(space, vectors[1]);
  const float whole = space.Distance(a.data(), b.data());
  std::mt19937 random(8);
  for (int round = 0; round < 20; round++) {
    CodeSum sum;
    for (size_t from = 0; from < kDim;) {
      const size_t n = std::min<size_t>(random() % 1500, kDim - from);  // 0 now and then
      const size_t at = from * space.item_bytes(), bytes = n * space.item_bytes();
      const std::vector<uint8_t> piece_a(a.payload() + at, a.payload() + at + bytes);
      const std::vector<uint8_t> piece_b(b.payload() + at, b.payload() + at + bytes);
      space.Accumulate(piece_a.data(), piece_b.data(), bytes, &sum);
      from += n;
    }
    const float pieces = space.Finish(a.header(), b.header(), sum);
    if (space.quantization() == Quantization::kInt8) {
      CHECK(pieces == whole);
    } else {
      CHECK_THAT(pieces, WithinRel(whole, 1e-4f) || WithinAbs(whole, 1e-4f));
    }
  }
}

TEST_CASE("the zero vector has a code of zeros", "[code]") {
  const Metric metric = GENERATE(from_range(kQuantized));
  const CodeSpace space(metric, Quantization::kInt8, 9);
  const Vector one(9, 1.0f);
  const Code zero(space, Vector(9, 0.0f)), other(space, one);
  CHECK(zero.header().scale == 0);
  CHECK(zero.header().offset == 0);
  CHECK(zero.ints() == std::vector<int>(9, 0));
  CHECK(space.Distance(zero.data(), zero.data()) == 0);
  if (metric == Metric::kCosine) return;  // a zero vector has no direction
  CHECK_THAT(space.Distance(zero.data(), other.data()),
             WithinAbs(metric == Metric::kL2 ? 9 : 0, 1e-5));
}

TEST_CASE("very small and very large values keep their payload", "[code]") {
  const Metric metric = GENERATE(from_range(kQuantized));
  const float size = GENERATE(1e-45f, 1e-40f, 1e-38f, 1e-20f, 1e20f, 1e30f, 3e38f);
  const CodeSpace space(metric, Quantization::kInt8, 4);
  const Code code(space, {size, -size, 0, size});
  CHECK(code.ints() == std::vector<int>{127, -127, 0, 127});
  CHECK(!std::isnan(code.header().scale));
  CHECK(!std::isnan(code.header().offset));
  if (metric == Metric::kCosine) {
    CHECK_THAT(code.header().scale, WithinRel(1 / (127 * std::sqrt(3.0f)), 1e-6f));
    CHECK_THAT(space.Distance(code.data(), code.data()), WithinAbs(0, 1e-6));
    const Code opposite(space, {-1, 1, 0, -1});
    CHECK_THAT(space.Distance(code.data(), opposite.data()), WithinAbs(2, 1e-6));
  }
}

TEST_CASE("the length of a vector does not change its cosine code", "[code]") {
  const CodeSpace space(Metric::kCosine, Quantization::kInt8, 50);
  for (const Vector& vector : Random(10, 50, 9)) {
    const Code code(space, vector);
    for (const int power : {-100, -3, 5, 100}) {
      const Code scaled(space, Scaled(vector, power));
      CHECK(scaled.ints() == code.ints());
      CHECK(scaled.header().scale == code.header().scale);
    }
  }
}

TEST_CASE("no distance is NaN", "[code]") {
  const Metric metric = GENERATE(from_range(kAll));
  const Quantization quantization = GENERATE(Quantization::kNone, Quantization::kInt8);
  if (!SpaceExists({Representation::kFloat32, metric, quantization})) return;
  constexpr uint32_t kDim = 33;
  const CodeSpace space(metric, quantization, kDim);
  std::vector<Vector> vectors = {Vector(kDim, 0.0f)};
  for (const float size : {1e-45f, 1e-40f, 1e-20f, 1.0f, 1e18f, 1e20f, 3e38f}) {
    vectors.push_back(Vector(kDim, size));
    vectors.push_back(Vector(kDim, -size));
    Vector mixed(kDim, size);
    for (size_t i = 0; i < kDim; i += 2) mixed[i] = -size;
    vectors.push_back(mixed);
  }
  for (const Vector& a : vectors) {
    for (const Vector& b : vectors) {
      const float by_code = space.Distance(Code(space, a).data(), Code(space, b).data());
      REQUIRE(!std::isnan(by_code));
      REQUIRE(!std::isnan(space.ExactDistance(a.data(), b.data())));
    }
  }
}

TEST_CASE("NaN counts as infinitely far", "[code]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Quantization quantization = GENERATE(Quantization::kNone, Quantization::kInt8);
  for (const Metric metric : kAll) {
    if (!SpaceExists({Representation::kFloat32, metric, quantization})) continue;
    const CodeSpace space(metric, quantization, 2);
    CodeSum sum;
    sum.f32 = nan;
    CHECK(space.Finish({nan, nan}, {1, 1}, sum) == kInfinity);
    const Vector bad = {nan, 1}, good = {1, 1};
    CHECK(space.ExactDistance(bad.data(), good.data()) == kInfinity);
  }
  // Where infinities meet: the scales of huge vectors, and the zero vector, whose
  // direction is undefined.
  const CodeSpace l2(Metric::kL2, Quantization::kInt8, 2);
  const Vector huge = {3e38f, 3e38f};
  CHECK(l2.Distance(Code(l2, huge).data(), Code(l2, huge).data()) == kInfinity);
  const CodeSpace cosine(Metric::kCosine, Quantization::kNone, 2);
  const Vector zero = {0, 0}, one = {1, 1};
  CHECK(cosine.ExactDistance(zero.data(), one.data()) == kInfinity);
}

TEST_CASE("the exact cosine distance stays between 0 and 2", "[code]") {
  for (const size_t dim : {1, 3, 100, 768}) {
    const CodeSpace space(Metric::kCosine, Quantization::kInt8, static_cast<uint32_t>(dim));
    for (const Vector& vector : Random(50, dim, 10)) {
      Vector longer = vector, opposite = vector;
      for (float& value : longer) value *= 3.1f;
      for (float& value : opposite) value *= -0.7f;
      const float same = space.ExactDistance(vector.data(), longer.data());
      const float other = space.ExactDistance(vector.data(), opposite.data());
      REQUIRE(same >= 0);
      REQUIRE(same <= 1e-5f);
      REQUIRE(other <= 2);
      REQUIRE(other >= 2 - 1e-5f);
    }
  }
}

TEST_CASE("the exact cosine distance takes the steps of the SQL function", "[code]") {
  const CodeSpace space(Metric::kCosine, Quantization::kInt8, 100);
  const std::vector<Vector> vectors = Clustered(30, 100, 11);
  for (const Vector& a : vectors) {
    for (const Vector& b : vectors) {
      float dot, a2, b2;
      hnswpg::GetKernels().cosine_parts(a.data(), b.data(), 100, &dot, &a2, &b2);
      const double similarity =
          std::clamp(dot / std::sqrt(static_cast<double>(a2) * static_cast<double>(b2)), -1.0, 1.0);
      REQUIRE(space.ExactDistance(a.data(), b.data()) == static_cast<float>(1 - similarity));
    }
  }
}

TEST_CASE("re-ranking forty by code finds the ten nearest", "[code]") {
  const Metric metric = GENERATE(from_range(kQuantized));
  constexpr size_t kCount = 2000, kQueries = 40, kDim = 96, kFinalists = 40, kNearest = 10;
  const CodeSpace space(metric, Quantization::kInt8, kDim);
  std::vector<Vector> vectors = Clustered(kCount + kQueries, kDim, 12);
  const std::vector<Vector> queries(vectors.end() - kQueries, vectors.end());
  vectors.resize(kCount);
  std::vector<Code> codes;
  for (const Vector& vector : vectors) codes.emplace_back(space, vector);

  const auto nearest = [](std::vector<size_t> ids, size_t k, const std::vector<float>& distance) {
    std::partial_sort(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(k), ids.end(),
                      [&](size_t x, size_t y) { return distance[x] < distance[y]; });
    ids.resize(k);
    return ids;
  };
  std::vector<size_t> everyone(kCount);
  std::iota(everyone.begin(), everyone.end(), 0);
  size_t found = 0;
  for (const Vector& query : queries) {
    const Code query_code(space, query);
    std::vector<float> by_code(kCount), exact(kCount);
    for (size_t i = 0; i < kCount; i++) {
      by_code[i] = space.Distance(query_code.data(), codes[i].data());
      exact[i] = space.ExactDistance(query.data(), vectors[i].data());
    }
    const std::vector<size_t> got =
        nearest(nearest(everyone, kFinalists, by_code), kNearest, exact);
    for (const size_t id : nearest(everyone, kNearest, exact)) {
      found += static_cast<size_t>(std::count(got.begin(), got.end(), id));
    }
  }
  CHECK(static_cast<double>(found) >= 0.99 * kQueries * kNearest);
}

namespace {

// Codes of the same space, each in memory of its own.
class Codes {
 public:
  explicit Codes(const CodeSpace& space) : space_(space) {}

  void Add(const Vector& vector) {
    std::vector<uint32_t> words((space_.code_bytes() + 3) / 4);
    space_.Encode(vector.data(), words.data());
    words_.push_back(std::move(words));
  }
  // A code that no vector has.
  void AddRaw(CodeHeader header, const Vector& vector) {
    Add(vector);
    memcpy(words_.back().data(), &header, sizeof header);
  }
  size_t size() const { return words_.size(); }
  std::vector<const char*> pointers() const {
    std::vector<const char*> pointers;
    for (const auto& words : words_)
      pointers.push_back(reinterpret_cast<const char*>(words.data()));
    return pointers;
  }

 private:
  const CodeSpace& space_;
  std::vector<std::vector<uint32_t>> words_;
};

bool SameBits(float a, float b) { return memcmp(&a, &b, sizeof a) == 0; }

// Each code in turn against all of them: by QueryCode what Distance says, and what
// Finish makes of the sum.
void CheckDistances(const CodeSpace& space, const Codes& codes) {
  const std::vector<const char*> all = codes.pointers();
  for (const char* query : all) {
    const QueryCode prepared(&space, query);
    CHECK(prepared.code() == query);
    CHECK(&prepared.space() == &space);
    std::vector<float> out(all.size(), -1.0f);
    prepared.Distances(all.data(), all.size(), out.data());
    for (size_t i = 0; i < all.size(); i++) {
      const float distance = space.Distance(query, all[i]);
      CodeSum sum;
      space.Accumulate(query + sizeof(CodeHeader), all[i] + sizeof(CodeHeader),
                       space.payload_bytes(), &sum);
      CodeHeader a, b;
      memcpy(&a, query, sizeof a);
      memcpy(&b, all[i], sizeof b);
      INFO("dim = " << space.dim() << ", i = " << i);
      REQUIRE(!std::isnan(out[i]));
      REQUIRE(SameBits(out[i], distance));
      REQUIRE(space.Finish(a, b, sum) == distance);  // only the sign of 0 may differ
    }
  }
}

}  // namespace

TEST_CASE("QueryCode's distances are Distance's, bit for bit", "[code]") {
  const Metric metric = GENERATE(from_range(kAll));
  const Quantization quantization = GENERATE(Quantization::kNone, Quantization::kInt8);
  if (!SpaceExists({Representation::kFloat32, metric, quantization})) return;
  std::vector<uint32_t> dims(300);
  std::iota(dims.begin(), dims.end(), 1);
  dims.insert(dims.end(), {768, 1536, 16000});
  for (const uint32_t dim : dims) {
    const CodeSpace space(metric, quantization, dim);
    Codes codes(space);
    for (const Vector& vector : Random(7, dim, dim)) codes.Add(vector);
    CheckDistances(space, codes);
  }
}

TEST_CASE("QueryCode takes any number of codes", "[code]") {
  const Metric metric = GENERATE(from_range(kQuantized));
  const CodeSpace space(metric, Quantization::kInt8, 100);
  Codes codes(space);
  for (const Vector& vector : Random(200, 100, 12)) codes.Add(vector);
  const std::vector<const char*> all = codes.pointers();
  const QueryCode query(&space, all[0]);
  for (size_t n = 0; n <= all.size(); n++) {
    std::vector<float> out(n + 1, -77.0f);
    query.Distances(all.data(), n, out.data());
    INFO("n = " << n);
    for (size_t i = 0; i < n; i++) REQUIRE(SameBits(out[i], space.Distance(all[0], all[i])));
    REQUIRE(out[n] == -77.0f);
  }
}

TEST_CASE("QueryCode's distances of extreme codes are Distance's, and never NaN", "[code]") {
  const Metric metric = GENERATE(from_range(kAll));
  const Quantization quantization = GENERATE(Quantization::kNone, Quantization::kInt8);
  if (!SpaceExists({Representation::kFloat32, metric, quantization})) return;
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  for (const uint32_t dim : {1, 63, 64, 65, 100, 768}) {
    const CodeSpace space(metric, quantization, dim);
    Codes codes(space);
    codes.Add(Vector(dim, 0.0f));
    for (const float size : {1e-45f, 1e-20f, 1.0f, 1e18f, 3e38f}) {
      codes.Add(Vector(dim, size));   // a payload of 127s
      codes.Add(Vector(dim, -size));  // and of -127s
    }
    const Vector one(dim, 1.0f);
    for (const float scale : {0.0f, 1.0f, kInfinity, kNaN}) {
      for (const float offset : {0.0f, kInfinity, -kInfinity, kNaN}) {
        codes.AddRaw({scale, offset}, one);
      }
    }
    CheckDistances(space, codes);
  }
}
