// The distance kernels, on every instruction set that was compiled and that this
// CPU runs, against plain sums in double.
#include "hnswpg/core/kernels/kernels.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "core/kernels/kernels_by_target.h"

namespace {

using hnswpg::GetKernels;
using hnswpg::Half;
using hnswpg::Kernels;
using hnswpg::KernelsByRank;

std::vector<const Kernels*> AllKernels() {
  std::vector<const Kernels*> all;
  for (size_t rank = 0; const Kernels* kernels = KernelsByRank(rank); rank++) {
    all.push_back(kernels);
  }
  return all;
}

// Every length that meets a vector's edge somewhere, and some long ones.
std::vector<size_t> Lengths() {
  std::vector<size_t> lengths;
  for (size_t n = 0; n <= 130; n++) lengths.push_back(n);
  for (const size_t n : {257, 768, 1000, 16000}) lengths.push_back(n);
  return lengths;
}

std::vector<float> RandomFloats(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<int8_t> RandomBytes(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> integer(-127, 127);
  std::vector<int8_t> values(n);
  for (int8_t& value : values) value = static_cast<int8_t>(integer(random));
  return values;
}

// A sum in double, and the sum of what was added, sign aside: rounding errors
// are in proportion to that.
struct Reference {
  double sum = 0;
  double magnitude = 0;

  void Add(double term) {
    sum += term;
    magnitude += std::fabs(term);
  }
};

struct References {
  Reference l2, dot, l1, a2, b2;
};

References Expect(const float* a, const float* b, size_t n) {
  References r;
  for (size_t i = 0; i < n; i++) {
    const double x = a[i], y = b[i];
    r.l2.Add((x - y) * (x - y));
    r.dot.Add(x * y);
    r.l1.Add(std::fabs(x - y));
    r.a2.Add(x * x);
    r.b2.Add(y * y);
  }
  return r;
}

bool Near(float got, const Reference& expected, size_t n) {
  const double tolerance = (1e-6 + 4e-9 * static_cast<double>(n)) * expected.magnitude;
  return std::fabs(static_cast<double>(got) - expected.sum) <= tolerance;
}

void CheckFloats(const Kernels& k, const float* a, const float* b, size_t n) {
  INFO(k.target << ", n = " << n);
  const References expected = Expect(a, b, n);
  CHECK(Near(k.l2_squared(a, b, n), expected.l2, n));
  CHECK(Near(k.dot(a, b, n), expected.dot, n));
  CHECK(Near(k.l1(a, b, n), expected.l1, n));
  float dot = -1, a2 = -1, b2 = -1;
  k.cosine_parts(a, b, n, &dot, &a2, &b2);
  CHECK(Near(dot, expected.dot, n));
  CHECK(Near(a2, expected.a2, n));
  CHECK(Near(b2, expected.b2, n));
}

std::vector<Half> Halves(const std::vector<float>& values) {
  std::vector<Half> halves;
  for (const float value : values) halves.push_back(hnswpg::Narrow(value));
  return halves;
}

void CheckHalves(const Kernels& k, const Half* a, const Half* b, size_t n) {
  INFO(k.target << ", n = " << n);
  std::vector<float> wide_a(n + 1, 7.0f), wide_b(n + 1, 7.0f);
  k.widen_f16(a, n, wide_a.data());
  k.widen_f16(b, n, wide_b.data());
  CHECK(wide_a[n] == 7.0f);
  for (size_t i = 0; i < n; i++) CHECK(wide_a[i] == hnswpg::Widen(a[i]));
  const References expected = Expect(wide_a.data(), wide_b.data(), n);
  CHECK(Near(k.l2_squared_f16(a, b, n), expected.l2, n));
  CHECK(Near(k.dot_f16(a, b, n), expected.dot, n));
  CHECK(Near(k.l1_f16(a, b, n), expected.l1, n));
  float dot = -1, a2 = -1, b2 = -1;
  k.cosine_parts_f16(a, b, n, &dot, &a2, &b2);
  CHECK(Near(dot, expected.dot, n));
  CHECK(Near(a2, expected.a2, n));
  CHECK(Near(b2, expected.b2, n));
}

void CheckBytes(const Kernels& k, const int8_t* a, const int8_t* b, size_t n) {
  INFO(k.target << ", n = " << n);
  int64_t expected = 0;
  for (size_t i = 0; i < n; i++) expected += a[i] * b[i];
  CHECK(k.dot_i8(a, b, n) == expected);
}

std::vector<int32_t> DotsI8(const Kernels& k, const std::vector<int8_t>& query,
                            const std::vector<const int8_t*>& arrays) {
  const int32_t sum = std::accumulate(query.begin(), query.end(), 0);
  constexpr int32_t kCanary = 0x5EED5EED;
  std::vector<int32_t> dots(arrays.size() + 1, kCanary);
  k.dots_i8({query.data(), query.size(), sum}, arrays.data(), arrays.size(), dots.data());
  CHECK(dots.back() == kCanary);
  dots.pop_back();
  return dots;
}

void CheckDots(const Kernels& k, const std::vector<int8_t>& query,
               const std::vector<const int8_t*>& arrays) {
  INFO(k.target << ", n = " << query.size() << ", arrays: " << arrays.size());
  std::vector<int32_t> expected;
  for (const int8_t* array : arrays) {
    expected.push_back(std::inner_product(query.begin(), query.end(), array, 0));
  }
  CHECK(DotsI8(k, query, arrays) == expected);
}

// Memory with a page before and a page behind it that may not be touched.
class Guarded {
 public:
  explicit Guarded(size_t bytes) {
    page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_ = (bytes + page_ - 1) / page_ * page_;
    void* map = mmap(nullptr, size_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) throw std::bad_alloc();
    map_ = static_cast<char*>(map);
    if (mprotect(map_ + page_, size_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  }
  ~Guarded() { munmap(map_, size_ + 2 * page_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  // A copy of `values` that begins at the first byte, or ends at the last.
  template <class T>
  const T* AtStart(const std::vector<T>& values) {
    return Put(map_ + page_, values);
  }
  template <class T>
  const T* AtEnd(const std::vector<T>& values) {
    return Put(map_ + page_ + size_ - values.size() * sizeof(T), values);
  }

 private:
  template <class T>
  static const T* Put(char* where, const std::vector<T>& values) {
    if (!values.empty()) memcpy(where, values.data(), values.size() * sizeof(T));
    return reinterpret_cast<const T*>(where);
  }

  size_t page_;
  size_t size_;
  char* map_;
};

}  // namespace

TEST_CASE("the chosen kernels are the best of those compiled", "[kernels]") {
  const std::vector<const Kernels*> all = AllKernels();
  REQUIRE(!all.empty());
  CHECK(all[0] == &GetKernels());
  CHECK(&GetKernels() == &GetKernels());
  for (const Kernels* kernels : all) {
    CHECK(std::string(kernels->target).size() >= 3);
    CHECK(std::count(all.begin(), all.end(), kernels) == 1);
  }
}

TEST_CASE("float kernels agree with sums in double", "[kernels]") {
  for (const Kernels* kernels : AllKernels()) {
    for (const size_t n : Lengths()) {
      CheckFloats(*kernels, RandomFloats(n, 1).data(), RandomFloats(n, 2).data(), n);
    }
  }
}

TEST_CASE("kernels of half floats agree with sums in double", "[kernels][half]") {
  for (const Kernels* kernels : AllKernels()) {
    for (const size_t n : Lengths()) {
      const std::vector<Half> a = Halves(RandomFloats(n, 1)), b = Halves(RandomFloats(n, 2));
      CheckHalves(*kernels, a.data(), b.data(), n);
      const std::vector<Half> large(n, Half{0x7BFF}), small(n, Half{0x0001});
      CheckHalves(*kernels, large.data(), small.data(), n);
      Guarded memory(2 * n);
      CheckHalves(*kernels, memory.AtEnd(a), b.data(), n);
    }
  }
}

// What a half is worth, by the definition.
double Value(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

TEST_CASE("half floats: all of them, one by one and by every kernel", "[kernels][half]") {
  for (uint32_t bits = 0; bits < 0x10000; bits++) {
    const Half half{static_cast<uint16_t>(bits)};
    if (!hnswpg::IsFinite(half)) continue;
    REQUIRE(hnswpg::Widen(half) == Value(half.bits));
    REQUIRE(hnswpg::Narrow(hnswpg::Widen(half)).bits == half.bits);
    for (const Kernels* kernels : AllKernels()) {
      float wide;
      kernels->widen_f16(&half, 1, &wide);
      REQUIRE(wide == hnswpg::Widen(half));
    }
  }
}

TEST_CASE("half floats: to the nearest, and to the even of two", "[kernels][half]") {
  for (uint16_t bits = 0; bits < 0x7BFF; bits++) {
    const double low = Value(bits), high = Value(bits + 1);
    const float middle = static_cast<float>((low + high) / 2);  // exact
    const uint16_t even = bits % 2 == 0 ? bits : bits + 1;
    REQUIRE(hnswpg::Narrow(middle).bits == even);
    REQUIRE(hnswpg::Narrow(std::nextafter(middle, 0.0f)).bits == bits);
    REQUIRE(hnswpg::Narrow(std::nextafter(middle, 1e6f)).bits == bits + 1);
    REQUIRE(hnswpg::Narrow(-middle).bits == (even | 0x8000));
  }
  REQUIRE(hnswpg::Narrow(65519.996f).bits == 0x7BFF);
  REQUIRE_FALSE(hnswpg::IsFinite(hnswpg::Narrow(65520.0f)));
  REQUIRE_FALSE(hnswpg::IsFinite(hnswpg::Narrow(-1e30f)));
  REQUIRE(hnswpg::Narrow(1e-10f).bits == 0);
}

TEST_CASE("kernels of bits count them", "[kernels][bits]") {
  for (const Kernels* kernels : AllKernels()) {
    for (const size_t n : Lengths()) {
      INFO(kernels->target << ", n = " << n);
      std::vector<uint8_t> a(n), b(n);
      std::mt19937 random(static_cast<uint32_t>(n));
      for (uint8_t& byte : a) byte = static_cast<uint8_t>(random());
      for (uint8_t& byte : b) byte = static_cast<uint8_t>(random());
      uint64_t differing = 0, common = 0;
      for (size_t i = 0; i < n; i++) {
        differing += static_cast<uint64_t>(__builtin_popcount(a[i] ^ b[i]));
        common += static_cast<uint64_t>(__builtin_popcount(a[i] & b[i]));
      }
      Guarded memory(n);
      const uint8_t* at_end = memory.AtEnd(a);
      CHECK(kernels->differing_bits(at_end, b.data(), n) == differing);
      CHECK(kernels->common_bits(at_end, b.data(), n) == common);
      const std::vector<uint8_t> all(n, 0xFF);
      CHECK(kernels->common_bits(all.data(), all.data(), n) == 8 * n);
    }
  }
}

TEST_CASE("dot_i8 is exact", "[kernels]") {
  for (const Kernels* kernels : AllKernels()) {
    for (const size_t n : Lengths()) {
      CheckBytes(*kernels, RandomBytes(n, 1).data(), RandomBytes(n, 2).data(), n);
    }
  }
}

TEST_CASE("dot_i8 is exact at the ends of its range", "[kernels]") {
  constexpr int8_t kEnds[] = {-127, 0, 127};
  for (const Kernels* kernels : AllKernels()) {
    for (const size_t n : Lengths()) {
      for (const int8_t x : kEnds) {
        for (const int8_t y : kEnds) {
          const std::vector<int8_t> a(n, x), b(n, y);
          INFO(kernels->target << ", n = " << n << ", " << int{x} << " * " << int{y});
          CHECK(kernels->dot_i8(a.data(), b.data(), n) == static_cast<int32_t>(n) * x * y);
        }
      }
    }
  }
}

TEST_CASE("dots_i8 is exact for any number of arrays of any length", "[kernels]") {
  constexpr size_t kArrays = 13;
  for (const Kernels* kernels : AllKernels()) {
    for (size_t n = 0; n <= 300; n++) {
      const std::vector<int8_t> query = RandomBytes(n, 13), bytes = RandomBytes(kArrays * n, 14);
      std::vector<const int8_t*> arrays;
      for (size_t i = 0; i < kArrays; i++) {
        CheckDots(*kernels, query, arrays);
        arrays.push_back(bytes.data() + i * n);
      }
    }
    for (const size_t n : {768, 1000, 1536, 16000}) {
      const std::vector<int8_t> query = RandomBytes(n, 15), bytes = RandomBytes(n + 200, 16);
      std::vector<const int8_t*> arrays;  // overlap, and lie at every alignment
      for (size_t i = 0; i < 200; i++) arrays.push_back(bytes.data() + (i * 37) % 200);
      CheckDots(*kernels, query, arrays);
    }
  }
}

TEST_CASE("dots_i8 is exact at the ends of its range", "[kernels]") {
  constexpr int8_t kEnds[] = {-127, 0, 127};
  for (const Kernels* kernels : AllKernels()) {
    for (const size_t n : Lengths()) {
      const std::vector<int8_t> low(n, -127), zero(n, 0), high(n, 127);
      const std::vector<const int8_t*> arrays = {low.data(), zero.data(), high.data(), low.data(),
                                                 high.data()};
      for (const int8_t x : kEnds) CheckDots(*kernels, std::vector<int8_t>(n, x), arrays);
    }
  }
}

TEST_CASE("kernels take arrays at any alignment", "[kernels]") {
  constexpr size_t kLength = 131;
  const std::vector<float> a = RandomFloats(kLength + 32, 3), b = RandomFloats(kLength + 32, 4);
  const std::vector<int8_t> a8 = RandomBytes(kLength + 64, 5), b8 = RandomBytes(kLength + 64, 6);
  for (const Kernels* kernels : AllKernels()) {
    for (size_t offset = 0; offset < 32; offset++) {
      CheckFloats(*kernels, a.data() + offset, b.data() + (offset * 7) % 32, kLength);
    }
    for (size_t offset = 0; offset < 64; offset++) {
      CheckBytes(*kernels, a8.data() + offset, b8.data() + (offset * 7) % 64, kLength);
    }
  }
}

TEST_CASE("kernels touch nothing outside the arrays", "[kernels]") {
  constexpr size_t kLongest = 300;
  Guarded left(kLongest * sizeof(float)), right(kLongest * sizeof(float));
  for (const Kernels* kernels : AllKernels()) {
    for (size_t n = 0; n <= kLongest; n++) {
      const std::vector<float> a = RandomFloats(n, 7), b = RandomFloats(n, 8);
      CheckFloats(*kernels, left.AtEnd(a), right.AtEnd(b), n);
      CheckFloats(*kernels, left.AtStart(a), right.AtStart(b), n);
      const std::vector<int8_t> a8 = RandomBytes(n, 9), b8 = RandomBytes(n, 10);
      CheckBytes(*kernels, left.AtEnd(a8), right.AtEnd(b8), n);
      CheckBytes(*kernels, left.AtStart(a8), right.AtStart(b8), n);
    }
  }
}

TEST_CASE("dots_i8 touches nothing outside the arrays", "[kernels]") {
  constexpr size_t kLongest = 300;
  Guarded query(kLongest), arrays(kLongest);
  for (const Kernels* kernels : AllKernels()) {
    for (size_t n = 0; n <= kLongest; n++) {
      const std::vector<int8_t> a = RandomBytes(n, 17), b = RandomBytes(n, 18);
      const int32_t sum = std::accumulate(a.begin(), a.end(), 0);
      const int32_t dot = std::inner_product(a.begin(), a.end(), b.begin(), 0);
      for (const bool at_end : {false, true}) {
        const int8_t* q = at_end ? query.AtEnd(a) : query.AtStart(a);
        const int8_t* v = at_end ? arrays.AtEnd(b) : arrays.AtStart(b);
        const int8_t* const all[] = {v, v, v, v, v, v, v, v, v};
        for (const size_t count : {1, 2, 3, 4, 8, 9}) {
          INFO(kernels->target << ", n = " << n << ", arrays: " << count);
          std::vector<int32_t> dots(count);
          kernels->dots_i8({q, n, sum}, all, count, dots.data());
          CHECK(dots == std::vector<int32_t>(count, dot));
        }
      }
    }
  }
}

TEST_CASE("the order of the arguments does not matter", "[kernels]") {
  for (const Kernels* kernels : AllKernels()) {
    for (const size_t n : {3, 100, 128, 768, 1001}) {
      INFO(kernels->target << ", n = " << n);
      const std::vector<float> a = RandomFloats(n, 11), b = RandomFloats(n, 12);
      CHECK(kernels->l2_squared(a.data(), b.data(), n) ==
            kernels->l2_squared(b.data(), a.data(), n));
      CHECK(kernels->dot(a.data(), b.data(), n) == kernels->dot(b.data(), a.data(), n));
      CHECK(kernels->l1(a.data(), b.data(), n) == kernels->l1(b.data(), a.data(), n));
    }
  }
}

TEST_CASE("kernels of overflowing values are infinite", "[kernels]") {
  for (const Kernels* kernels : AllKernels()) {
    for (const size_t n : {1, 3, 33, 128}) {
      INFO(kernels->target << ", n = " << n);
      const std::vector<float> a(n, 3e38f), b(n, -3e38f);
      CHECK(kernels->l2_squared(a.data(), b.data(), n) == INFINITY);
      CHECK(kernels->dot(a.data(), b.data(), n) == -INFINITY);
      CHECK(kernels->l1(a.data(), b.data(), n) == INFINITY);
    }
  }
}
