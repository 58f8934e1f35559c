// Times the distance kernels: nanoseconds a call, by dimensions, for the
// instruction set GetKernels() chose, and beside it a plain loop as the compiler
// makes it of the portable code. Needs nothing but the core library.
//
//   kernels_bench          the chosen instruction set
//   kernels_bench --all    every one that was compiled and that this CPU runs
//
// The arrays stay in the first-level cache: what is timed is arithmetic, not
// memory. Each figure is the least of several runs.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "../src/core/kernels_by_target.h"
#include "hnswpg/core/kernels.h"

namespace {

using hnswpg::Kernels;

constexpr size_t kDims[] = {3, 16, 100, 128, 384, 768, 1536, 4096};
constexpr size_t kVectors = 8;  // taken in turn, so that no result can be reused
constexpr int kRuns = 7;

float NaiveL2(const float* a, const float* b, size_t n) {
  float sum = 0;
  for (size_t i = 0; i < n; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

float NaiveDot(const float* a, const float* b, size_t n) {
  float sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

float NaiveL1(const float* a, const float* b, size_t n) {
  float sum = 0;
  for (size_t i = 0; i < n; i++) sum += std::fabs(a[i] - b[i]);
  return sum;
}

void NaiveCosineParts(const float* a, const float* b, size_t n, float* dot, float* a2, float* b2) {
  float ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < n; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  *dot = ab;
  *a2 = aa;
  *b2 = bb;
}

int32_t NaiveDotI8(const int8_t* a, const int8_t* b, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

constexpr Kernels kNaive = {NaiveL2, NaiveDot, NaiveL1, NaiveCosineParts, NaiveDotI8, "plain loop"};

// What the calls return ends here, lest the compiler leave them out.
volatile double sink;

// The time of one call of `call(i)`, i running from 0, in nanoseconds.
template <class Call>
double NsPerCall(size_t dim, Call call) {
  using Clock = std::chrono::steady_clock;
  const size_t calls = std::max<size_t>(2000, 4'000'000 / (dim + 20));
  double best = INFINITY;
  for (int run = 0; run < kRuns; run++) {
    double sum = 0;
    const auto start = Clock::now();
    for (size_t i = 0; i < calls; i++) sum += call(i);
    const std::chrono::duration<double, std::nano> took = Clock::now() - start;
    sink = sum;
    best = std::min(best, took.count() / static_cast<double>(calls));
  }
  return best;
}

struct Data {
  std::vector<float> floats;
  std::vector<int8_t> bytes;

  explicit Data(size_t dim) : floats((kVectors + 1) * dim), bytes((kVectors + 1) * dim) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> real(-1, 1);
    std::uniform_int_distribution<int> integer(-127, 127);
    for (float& value : floats) value = real(random);
    for (int8_t& value : bytes) value = static_cast<int8_t>(integer(random));
  }
};

// Nanoseconds a call of each kernel, in the order of the members of Kernels.
std::vector<double> TimeAll(const Kernels& k, size_t dim) {
  const Data data(dim);
  const float* q = data.floats.data();
  const int8_t* q8 = data.bytes.data();
  const auto v = [&](size_t i) { return q + (1 + i % kVectors) * dim; };
  const auto v8 = [&](size_t i) { return q8 + (1 + i % kVectors) * dim; };
  return {
      NsPerCall(dim, [&](size_t i) { return k.l2_squared(q, v(i), dim); }),
      NsPerCall(dim, [&](size_t i) { return k.dot(q, v(i), dim); }),
      NsPerCall(dim, [&](size_t i) { return k.l1(q, v(i), dim); }),
      NsPerCall(dim,
                [&](size_t i) {
                  float dot, a2, b2;
                  k.cosine_parts(q, v(i), dim, &dot, &a2, &b2);
                  return dot + a2 + b2;
                }),
      NsPerCall(dim, [&](size_t i) { return k.dot_i8(q8, v8(i), dim); }),
  };
}

void Print(const Kernels& kernels) {
  std::printf("%s: ns a call (ns a dimension)\n", kernels.target);
  std::printf("%6s %18s %18s %18s %18s %18s\n", "dims", "l2_squared", "dot", "l1", "cosine_parts",
              "dot_i8");
  for (const size_t dim : kDims) {
    std::printf("%6zu", dim);
    for (const double ns : TimeAll(kernels, dim)) {
      std::printf(" %9.1f (%6.4f)", ns, ns / static_cast<double>(dim));
    }
    std::printf("\n");
  }
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  const bool all = argc == 2 && std::strcmp(argv[1], "--all") == 0;
  if (argc > 1 && !all) {
    std::fprintf(stderr, "usage: %s [--all]\n", argv[0]);
    return 2;
  }
  Print(kNaive);
  if (!all) {
    Print(hnswpg::GetKernels());
    return 0;
  }
  for (size_t rank = 0; const Kernels* kernels = hnswpg::KernelsByRank(rank); rank++) {
    Print(*kernels);
  }
  return 0;
}
