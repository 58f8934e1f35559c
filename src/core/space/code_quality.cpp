#include "hnswpg/core/space/code_quality.h"

#include <algorithm>

#include "hnswpg/core/memory/nearest_few.h"
#include "hnswpg/core/space/code.h"

namespace hnswpg {
namespace {

struct Neighbour {
  float distance;
  const char* code;
};

}  // namespace

CodeQuality JudgeCode(const CodeSpace& space, const void* base, const char* const* codes,
                      size_t n) noexcept {
  constexpr size_t kAtOnce = 64;
  const QueryCode query(&space, base);
  NearestFew<Neighbour, CodeQuality::kMost> nearest;
  float distances[kAtOnce];
  for (size_t done = 0; done < n;) {
    const size_t count = std::min(kAtOnce, n - done);
    query.Distances(codes + done, count, distances);
    for (size_t i = 0; i < count; i++) nearest.Meet({distances[i], codes[done + i]});
    done += count;
  }
  CodeQuality quality;
  for (const Neighbour& near : nearest) {
    quality.Add(near.distance, space.ErrorVariance(base, near.code, near.distance));
  }
  return quality;
}

}  // namespace hnswpg
