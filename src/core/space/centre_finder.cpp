#include "hnswpg/core/space/centre_finder.h"

#include <algorithm>

#include "core/space/elements.h"

namespace hnswpg {
namespace {

// The mean of what lies between the quartiles, or of one in the middle. Leaves the values in
// another order.
float MeanOfMiddle(float* values, uint32_t n) {
  const uint32_t begin = n / 4, end = std::max(n - n / 4, begin + 1);
  std::nth_element(values, values + begin, values + n);
  std::nth_element(values + begin, values + end - 1, values + n);
  double sum = 0;
  for (uint32_t k = begin; k < end; k++) sum += values[k];
  return static_cast<float>(sum / (end - begin));
}

float* Floats(Arena arena, size_t n) {
  return static_cast<float*>(arena.resize(arena.context, nullptr, n * sizeof(float)));
}

}  // namespace

uint32_t SampleSize(uint32_t dim) noexcept {
  constexpr uint32_t kMost = 2048;
  constexpr uint32_t kFewest = 256;
  constexpr uint32_t kBytes = 16 * 1024 * 1024;
  return std::clamp<uint32_t>(static_cast<uint32_t>(kBytes / (dim * sizeof(float))), kFewest,
                              kMost);
}

CentreFinder::CentreFinder(Metric metric, uint32_t dim, uint32_t capacity, Arena arena, Pause pause)
    : metric_(metric),
      dim_(dim),
      capacity_(capacity),
      arena_(arena),
      pause_(pause),
      vectors_(Floats(arena, static_cast<size_t>(capacity) * dim)) {}

void CentreFinder::Add(const float* vector) {
  if (n_ == capacity_) return;
  const double factor = metric_ == Metric::kCosine ? InverseLength(vector, dim_) : 1;
  float* out = vectors_ + static_cast<size_t>(n_++) * dim_;
  for (uint32_t i = 0; i < dim_; i++) out[i] = static_cast<float>(vector[i] * factor);
}

void CentreFinder::Find(float* centre) const {
  float* values = Floats(arena_, n_);
  for (uint32_t i = 0; i < dim_; i++) {
    if (pause_ != nullptr) pause_();
    for (uint32_t k = 0; k < n_; k++) values[k] = vector(k)[i];
    centre[i] = MeanOfMiddle(values, n_);
  }
  arena_.resize(arena_.context, values, 0);
}

}  // namespace hnswpg
