#include "hnswpg/core/space/code_quality.h"

#include <algorithm>

#include "hnswpg/core/space/code.h"

namespace hnswpg {
namespace {

// The nearest codes met, in order.
class Nearest {
 public:
  void Meet(float distance, const char* code) {
    if (n_ == CodeQuality::kMost && distance >= items_[n_ - 1].distance) return;
    int at = std::min(n_, CodeQuality::kMost - 1);
    n_ = at + 1;
    for (; at > 0 && items_[at - 1].distance > distance; at--) items_[at] = items_[at - 1];
    items_[at] = {distance, code};
  }
  CodeQuality QualityOf(const CodeSpace& space, const void* base) const {
    CodeQuality quality;
    for (int i = 0; i < n_; i++) {
      const float distance = items_[i].distance;
      quality.Add(distance, space.ErrorVariance(base, items_[i].code, distance));
    }
    return quality;
  }

 private:
  struct Item {
    float distance;
    const char* code;
  };
  Item items_[CodeQuality::kMost];
  int n_ = 0;
};

}  // namespace

CodeQuality JudgeCode(const CodeSpace& space, const void* base, const char* const* codes,
                      size_t n) noexcept {
  constexpr size_t kAtOnce = 64;
  const QueryCode query(&space, base);
  Nearest nearest;
  float distances[kAtOnce];
  for (size_t done = 0; done < n;) {
    const size_t count = std::min(kAtOnce, n - done);
    query.Distances(codes + done, count, distances);
    for (size_t i = 0; i < count; i++) nearest.Meet(distances[i], codes[done + i]);
    done += count;
  }
  return nearest.QualityOf(space, base);
}

}  // namespace hnswpg
