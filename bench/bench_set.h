// The vectors of one measurement, as every program of it gets them: --base, --query, --answers (the
// exact ten nearest), --metric, and of a larger file the first --count.
#ifndef HNSWPG_BENCH_BENCH_SET_H_
#define HNSWPG_BENCH_BENCH_SET_H_

#include <string>
#include <vector>

#include "options.h"

namespace hnswpg::tools {

inline constexpr size_t kNearest = 10;
inline constexpr int kM = 16;
inline constexpr int kEfConstruction = 64;

struct BenchSet {
  Distance distance = Distance::kL2;
  Vectors base, queries;
  Answers answers;

  bool cosine() const { return distance == Distance::kCosine; }
};

inline std::vector<std::string> BenchSetOptions(std::vector<std::string> further = {}) {
  further.insert(further.end(), {"base", "query", "answers", "metric", "count"});
  return further;
}

inline BenchSet ReadBenchSet(const Options& options) {
  BenchSet set;
  set.distance = ParseDistance(options.Text("metric", "l2"));
  set.base = ReadRows<float>(options.Text("base"));
  if (options.Has("count")) set.base.Truncate(options.Count("count", 0));
  set.queries = ReadRows<float>(options.Text("query"));
  set.answers = ReadRows<int32_t>(options.Text("answers"));
  if (set.answers.n() < set.queries.n() || set.answers.dim < kNearest) {
    Fail(options.Text("answers") + ": fewer answers than the queries need");
  }
  return set;
}

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_BENCH_SET_H_
