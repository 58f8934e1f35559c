// How many bytes a graph under construction takes, and how much of it fits a limit.
//
// Arithmetic only: what GraphBuilder allocates is decided here beforehand, so that memory_limit is
// kept by construction instead of being noticed when it is passed. Counted is
//   - for each element of capacity: hnswlib's level-0 record (links, code, label), its level, the
//     pointer to its upper lists, its number of fillers, and one bit for each thread;
//   - for each element: its upper lists, as malloc rounds them up;
//   - once: the queue, and what a thread needs for its stack and a search.
// Not counted: the address space that threads reserve and never touch, and 2.6 MB of locks which
// hnswlib's constructor allocates and the builder gives back at once.
#ifndef HNSWPG_CORE_BUILD_BUILD_MEMORY_H_
#define HNSWPG_CORE_BUILD_BUILD_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "hnswpg/core/space/code.h"

namespace hnswpg {

struct BuildOptions;

class BuildMemory {
 public:
  BuildMemory(const CodeSpace& space, const BuildOptions& options) noexcept;

  // Bytes of a code inside hnswlib's record: code_bytes() and as much as aligns every part of the
  // record (codes to 4 bytes, labels to 8).
  size_t data_bytes() const { return data_bytes_; }
  // Threads that the limit has room for, the caller's included; at most options.threads.
  int threads() const { return threads_; }
  // Codes that the queue between the threads holds; 0 when the caller is alone.
  size_t queue_slots() const { return queue_slots_; }

  // Held while elements are linked, with room for `capacity` of them, without upper lists.
  size_t Linking(size_t capacity) const noexcept;
  // Held by a sealed graph with `n` elements of `capacity`, without upper lists; and by one that
  // was packed as well, with its translation of ids.
  size_t Sealed(size_t capacity, size_t n) const noexcept;
  size_t Packed(size_t capacity, size_t n) const noexcept;
  // The most that is held at any time by a graph that is linked, sealed and packed, and by the
  // caller beside it.
  size_t Most(size_t capacity) const noexcept;
  // Of the upper lists of one element; 0 for level 0.
  size_t UpperLists(int level) const noexcept;

  // The limit with which `n` elements fit, if room for them is made at once. Upper lists with their
  // average and six standard deviations.
  size_t Needed(size_t n) const noexcept;

  // Room to make at first: for the number expected or what the limit allows; 0 if that is nothing.
  size_t FirstCapacity() const noexcept;
  // Room to make next, such that the limit is kept while the arrays are copied; 0 if there is no
  // more to be had.
  size_t NextCapacity(size_t capacity) const noexcept;

 private:
  size_t LargestWithin(size_t bytes) const noexcept;
  size_t CopiedWhileGrowing(size_t capacity) const noexcept;

  int m_;
  int ef_construction_;
  size_t limit_;
  size_t beside_linking_;
  size_t beside_sealed_;
  size_t expected_;
  size_t code_bytes_;
  size_t data_bytes_;
  size_t record_bytes_;
  int threads_;
  size_t queue_slots_;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_BUILD_MEMORY_H_
