// The sizes below are those of hnswlib 0.8's HierarchicalNSW and of glibc's malloc.
#include "core/build/build_memory.h"

#include <algorithm>
#include <cmath>

#include "core/build/linking.h"
#include "core/build/packing.h"
#include "core/build/spanning_tree.h"
#include "hnswpg/core/build/graph_builder.h"
#include "hnswpg/core/format/layout.h"

namespace hnswpg {
namespace {

constexpr size_t kLabelBytes = sizeof(size_t);
constexpr size_t kLinkBytes = sizeof(uint32_t);

// Objects of fixed size: the builder, the index object, small tables.
constexpr size_t kFixedBytes = 8 * 1024;
// Of another thread: the part of its stack that is touched, and its malloc arena.
constexpr size_t kThreadBytes = 96 * 1024;

constexpr size_t kQueueBytes = 1024 * 1024;
constexpr size_t kQueueSlots = 4096;

constexpr size_t kFirstGuess = 10000;  // where nothing is known of the number of elements
constexpr size_t kGrowthPart = 32;     // growing by less than 1/32 is not worth a copy

// A block above this size always has pages of its own (glibc never moves its threshold higher), and
// realloc moves the pages without copying them: the old block and the new are never there together.
constexpr size_t kRemappedBytes = 32 * 1024 * 1024;

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// 8 bytes of bookkeeping, blocks of 16, at least 32.
size_t Malloced(size_t bytes) { return std::max<size_t>(32, RoundUp(bytes + 8, 16)); }

}  // namespace

BuildMemory::BuildMemory(const CodeSpace& space, const BuildOptions& options) noexcept
    : m_(options.m),
      ef_construction_(options.ef_construction),
      limit_(options.memory_limit),
      beside_linking_(options.bytes_beside_linking),
      beside_sealed_(options.bytes_beside_sealed),
      expected_(options.expected_elements),
      code_bytes_(space.code_bytes()) {
  size_t before_code = kLinkBytes * (2 * static_cast<size_t>(m_) + 1);
  data_bytes_ = RoundUp(before_code + code_bytes_, kLabelBytes) - before_code;
  record_bytes_ = before_code + data_bytes_ + kLabelBytes;
  size_t affordable =
      limit_ / 4 / (kThreadBytes + HnswlibLinking::LinkerBytes(0, ef_construction_));
  threads_ = 1 + static_cast<int>(std::min<size_t>(std::max(options.threads, 1) - 1, affordable));
  size_t queue_bytes = std::min(limit_ / 8, kQueueBytes);
  queue_slots_ =
      threads_ == 1 ? 0 : std::clamp<size_t>(queue_bytes / (data_bytes_ + 1), 4, kQueueSlots);
}

size_t BuildMemory::Linking(size_t capacity) const noexcept {
  size_t threads = static_cast<size_t>(threads_);
  size_t each = record_bytes_ + sizeof(int) + sizeof(char*) + 1;
  size_t once =
      kFixedBytes + queue_slots_ * (data_bytes_ + 1) + (threads - 1) * kThreadBytes +
      threads * (HnswlibLinking::LinkerBytes(capacity, ef_construction_) + 5 * data_bytes_);
  return once + capacity * each;
}

size_t BuildMemory::Sealed(size_t capacity, size_t n) const noexcept {
  size_t each = record_bytes_ + sizeof(int) + sizeof(char*) + 1;
  return kFixedBytes + capacity * each + SpanningTreeBytes(n) / 2;
}

size_t BuildMemory::Packed(size_t capacity, size_t n) const noexcept {
  return Sealed(capacity, n) + 2 * n * sizeof(uint32_t);
}

// Sealing takes less than packing does afterwards.
size_t BuildMemory::Most(size_t capacity) const noexcept {
  return std::max(Linking(capacity) + capacity * beside_linking_,
                  Sealed(capacity, capacity) + PackingBytes(capacity) + capacity * beside_sealed_);
}

size_t BuildMemory::UpperLists(int level) const noexcept {
  if (level <= 0) return 0;
  return Malloced(kLinkBytes * (static_cast<size_t>(m_) + 1) * static_cast<size_t>(level));
}

// A level is geometric: P(level >= l) = m^-l, average 1 / (m - 1), variance m / (m - 1)^2.
size_t BuildMemory::Needed(size_t n) const noexcept {
  double m = m_;
  double count = static_cast<double>(n);
  double list = static_cast<double>(kLinkBytes) * (m + 1);
  double average = list / (m - 1) + 32 / m;
  double deviation = (list + 32) * std::sqrt(m) / (m - 1);
  double upper = count * average + 6 * std::sqrt(count) * deviation;
  return Most(n) + static_cast<size_t>(upper);
}

size_t BuildMemory::FirstCapacity() const noexcept {
  size_t wanted = expected_ == 0 ? kFirstGuess : expected_ + expected_ / 16 + 64;
  return std::min(wanted, LargestWithin(limit_));
}

size_t BuildMemory::NextCapacity(size_t capacity) const noexcept {
  size_t copied = CopiedWhileGrowing(capacity);
  if (copied >= limit_) return 0;
  size_t next = std::min(2 * capacity, LargestWithin(limit_ - copied));
  return next < capacity + capacity / kGrowthPart + 1 ? 0 : next;
}

// The largest n with Needed(n) <= bytes.
size_t BuildMemory::LargestWithin(size_t bytes) const noexcept {
  size_t low = 0;
  size_t high = kMaxElements;  // hnswlib counts some things in int, too
  while (low < high) {
    size_t middle = low + (high - low + 1) / 2;
    if (Needed(middle) <= bytes) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return Needed(low) <= bytes ? low : 0;
}

// The arrays are replaced one after the other, so the largest old one counts.
size_t BuildMemory::CopiedWhileGrowing(size_t capacity) const noexcept {
  size_t records = capacity * record_bytes_;
  if (records > kRemappedBytes) records = 0;
  return std::max(records, capacity * sizeof(char*));
}

}  // namespace hnswpg
