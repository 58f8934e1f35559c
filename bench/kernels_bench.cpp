// Times the distance kernels: nanoseconds a call, by dimensions, for the
// instruction set GetKernels() chose, and beside it a plain loop as the compiler
// makes it of the portable code. Needs nothing but the core library.
//
//   kernels_bench          the chosen instruction set
//   kernels_bench --all    every one that was compiled and that this CPU runs
//   kernels_bench --memory arrays of int8 that are not in the cache, as a search of a
//                          large index meets them
//
// But for --memory the arrays stay in the first-level cache: what is timed is
// arithmetic, not memory. Each figure is the least of several runs.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <numeric>
#include <random>
#include <vector>

#include "core/kernels/kernels_by_target.h"
#include "hnswpg/core/kernels/kernels.h"

namespace {

using hnswpg::Kernels;
using hnswpg::QueryI8;

constexpr size_t kDims[] = {3, 16, 100, 128, 384, 768, 1536, 4096};
constexpr size_t kVectors = 8;  // taken in turn, so that no result can be reused
constexpr size_t kBatch = 16;   // arrays that dots_i8 gets at once
constexpr int kRuns = 7;
constexpr int kMemoryRuns = 7;

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

void NaiveDotsI8(const QueryI8& query, const int8_t* const* arrays, size_t n_arrays, int32_t* out) {
  for (size_t i = 0; i < n_arrays; i++) out[i] = NaiveDotI8(query.values, arrays[i], query.n);
}

constexpr Kernels kNaive = {NaiveL2,     NaiveDot, NaiveL1, NaiveCosineParts, NaiveDotI8,
                            NaiveDotsI8, nullptr,  nullptr, nullptr,          nullptr,
                            nullptr,     nullptr,  nullptr, "plain loop"};

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

int32_t SumOf(const int8_t* values, size_t n) { return std::accumulate(values, values + n, 0); }

// One query against a batch of arrays. The sum, which is no more than a way to make
// the caller wait for all of them.
using Batch = std::array<const int8_t*, kBatch>;

int32_t DotsOf(const Kernels& k, const QueryI8& query, const Batch& arrays) {
  int32_t dots[kBatch];
  k.dots_i8(query, arrays.data(), kBatch, dots);
  return std::accumulate(dots, dots + kBatch, 0);
}

int32_t DotsOneByOne(const Kernels& k, const QueryI8& query, const Batch& arrays) {
  int32_t sum = 0;
  for (const int8_t* array : arrays) sum += k.dot_i8(query.values, array, query.n);
  return sum;
}

// Nanoseconds a call of each kernel, in the order of the members of Kernels; of
// dots_i8 those for one array of a batch.
std::vector<double> TimeAll(const Kernels& k, size_t dim) {
  const Data data(dim);
  const float* q = data.floats.data();
  const int8_t* q8 = data.bytes.data();
  const auto v = [&](size_t i) { return q + (1 + i % kVectors) * dim; };
  const auto v8 = [&](size_t i) { return q8 + (1 + i % kVectors) * dim; };
  const QueryI8 query = {q8, dim, SumOf(q8, dim)};
  Batch batch;
  for (size_t i = 0; i < kBatch; i++) batch[i] = v8(i);
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
      NsPerCall(dim, [&](size_t) { return DotsOf(k, query, batch); }) / kBatch,
  };
}

void Print(const Kernels& kernels) {
  std::printf("%s: ns a call (ns a dimension)\n", kernels.target);
  std::printf("%6s %18s %18s %18s %18s %18s %18s\n", "dims", "l2_squared", "dot", "l1",
              "cosine_parts", "dot_i8", "dots_i8");
  for (const size_t dim : kDims) {
    std::printf("%6zu", dim);
    for (const double ns : TimeAll(kernels, dim)) {
      std::printf(" %9.1f (%6.4f)", ns, ns / static_cast<double>(dim));
    }
    std::printf("\n");
  }
  std::printf("\n");
}

// --- Arrays in memory ------------------------------------------------------------

// Bytes that no cache holds, in pages of the ordinary size, as buffers of a server
// without huge pages are.
class Memory {
 public:
  static constexpr size_t kBytes = size_t{400} << 20;

  Memory()
      : bytes_(static_cast<int8_t*>(
            mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    if (bytes_ == MAP_FAILED) throw std::bad_alloc();
    madvise(bytes_, kBytes, MADV_NOHUGEPAGE);
    std::minstd_rand random(1);
    for (size_t i = 0; i < kBytes; i++) bytes_[i] = static_cast<int8_t>(random() % 255 - 127);
  }
  ~Memory() { munmap(bytes_, kBytes); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  const int8_t* at(size_t offset) const { return bytes_ + offset; }

 private:
  int8_t* bytes_;
};

// Batches of arrays anywhere, placed as codes are in the slots of an index.
std::vector<Batch> ScatteredBatches(const Memory& memory, size_t dim) {
  constexpr size_t kHead = 12;  // before the array
  constexpr size_t kTail = 180;
  const size_t slot = (kHead + dim + kTail + 63) / 64 * 64;
  std::vector<Batch> batches(std::max<size_t>(1000, 4'000'000 / (dim + 200)));
  std::mt19937 random(2);
  for (Batch& batch : batches) {
    for (const int8_t*& array : batch) {
      array = memory.at(random() % (Memory::kBytes / slot) * slot + kHead);
    }
  }
  return batches;
}

// Nanoseconds an array, `lines` cache lines of each array of a batch prefetched
// before. The next batch is known only when all of this one are, as in a search.
template <class Dots>
double NsFromMemory(const std::vector<Batch>& batches, size_t lines, Dots dots) {
  using Clock = std::chrono::steady_clock;
  int32_t last = 0;
  const auto start = Clock::now();
  for (size_t i = 0; i < batches.size(); i++) {
    const Batch& batch = batches[i ^ static_cast<size_t>(last == INT32_MIN)];
    for (const int8_t* array : batch) {
      for (size_t line = 0; line < lines; line++) __builtin_prefetch(array + 64 * line);
    }
    last = dots(batch);
  }
  const std::chrono::duration<double, std::nano> took = Clock::now() - start;
  sink = last;
  return took.count() / static_cast<double>(batches.size() * kBatch);
}

// How many lines are prefetched, and the best times with so many.
struct FromMemory {
  size_t lines;
  double one_by_one = INFINITY;
  double together = INFINITY;
};

void PrintFromMemory(const Kernels& k) {
  const Memory memory;
  std::printf("%s: ns an array in memory, dot_i8 -> dots_i8\n%6s", k.target, "dims");
  for (const char* title : {"no prefetch", "1 line", "3 lines", "6 lines", "all lines"}) {
    std::printf(" %16s", title);
  }
  std::printf("\n");
  for (const size_t dim : {100, 128, 384, 768, 1536}) {
    const std::vector<Batch> batches = ScatteredBatches(memory, dim);
    const int8_t* q = memory.at(0);
    const QueryI8 query = {q, dim, SumOf(q, dim)};
    const auto one_by_one = [&](const Batch& b) { return DotsOneByOne(k, query, b); };
    const auto together = [&](const Batch& b) { return DotsOf(k, query, b); };
    FromMemory times[] = {{0}, {1}, {3}, {6}, {1000}};
    for (int run = 0; run < kMemoryRuns; run++) {  // in turns, lest one have a bad moment
      for (FromMemory& time : times) {
        const size_t lines = std::min(time.lines, (dim + 63) / 64);
        time.one_by_one = std::min(time.one_by_one, NsFromMemory(batches, lines, one_by_one));
        time.together = std::min(time.together, NsFromMemory(batches, lines, together));
      }
    }
    std::printf("%6zu", dim);
    for (const FromMemory& time : times) {
      std::printf("   %5.1f -> %5.1f", time.one_by_one, time.together);
    }
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool all = argc == 2 && std::strcmp(argv[1], "--all") == 0;
  const bool memory = argc == 2 && std::strcmp(argv[1], "--memory") == 0;
  if (argc > 1 && !all && !memory) {
    std::fprintf(stderr, "usage: %s [--all | --memory]\n", argv[0]);
    return 2;
  }
  if (memory) {
    PrintFromMemory(hnswpg::GetKernels());
    return 0;
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
