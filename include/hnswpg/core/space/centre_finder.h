// What codes are best seen from: a centre for vectors.
//
// Of each dimension it is the mean of what lies between the quartiles, so that a few vectors far
// away do not move it. No locks; nothing here has a destructor, so an arena that is short of
// memory, and a pause, need not come back.
#ifndef HNSWPG_CORE_SPACE_CENTRE_FINDER_H_
#define HNSWPG_CORE_SPACE_CENTRE_FINDER_H_

#include <cstddef>
#include <cstdint>

#include "hnswpg/core/memory/arena.h"
#include "hnswpg/core/pause.h"
#include "hnswpg/core/space/code.h"

namespace hnswpg {

// How many vectors of so many dimensions a centre is learnt from: fewer of very long ones.
uint32_t SampleSize(uint32_t dim) noexcept;

class CentreFinder {
 public:
  // Takes memory for `capacity` vectors at once. `pause` is called between dimensions.
  CentreFinder(Metric metric, uint32_t dim, uint32_t capacity, Arena arena, Pause pause = nullptr);
  // For cosine a copy scaled to length 1. Beyond the capacity vectors are passed over.
  void Add(const float* vector);
  uint32_t n() const { return n_; }
  // The k-th vector as it was added, but for cosine's length.
  const float* vector(uint32_t k) const { return vectors_ + static_cast<size_t>(k) * dim_; }
  // Writes dim floats. n() > 0. Takes memory for a number of each vector meanwhile.
  void Find(float* centre) const;

 private:
  Metric metric_;
  uint32_t dim_;
  uint32_t capacity_;
  uint32_t n_ = 0;
  Arena arena_;
  Pause pause_;
  float* vectors_;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_SPACE_CENTRE_FINDER_H_
