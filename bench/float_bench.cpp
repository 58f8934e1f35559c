// hnswlib's float index in a process of its own, which builds and searches as it is told.
//
//   float_bench --base FILE --query FILE --answers FILE --metric l2|cos [--count N]
//
// Commands (commands.h) and what they answer:
//   build threads=N   seconds, cpu (seconds in all threads), peak (bytes beyond the vectors)
//   recall ef=N       recall
//   search ef=N       us: microseconds of CPU a query, by one thread on one core
#include <malloc.h>

#include "bench_set.h"
#include "commands.h"
#include "float_hnsw.h"
#include "measure.h"
#include "memory.h"
#include "timing.h"

namespace {

using namespace hnswpg::tools;

class FloatBench {
 public:
  explicit FloatBench(BenchSet set)
      : distance_(set.distance),
        answers_(std::move(set.answers)),
        base_(FloatHnsw::Prepare(set.base, set.distance)),
        queries_(FloatHnsw::Prepare(set.queries, set.distance)) {}

  void Build(const Options& words, Json* answer) {
    const int threads = static_cast<int>(words.Count("threads", 1));
    index_.reset();
    malloc_trim(0);
    BuildWatch watch(0);
    const double seconds = Seconds([&] {
      index_ = std::make_unique<FloatHnsw>(base_, distance_, kM, kEfConstruction, threads);
    });
    watch.Stop();
    answer->Add("seconds", seconds).Add("cpu", watch.cpu()).Add("peak", watch.peak());
  }
  void MeasureRecall(const Options& words, Json* answer) {
    answer->Add("recall", Recall(answers_, Search(words), kNearest));
  }
  void TimeSearch(const Options& words, Json* answer) {
    const Pinning pinning(0);
    const double seconds = CpuSeconds(0, [&] { Search(words); });
    answer->Add("us", seconds * 1e6 / static_cast<double>(queries_.n()));
  }

 private:
  std::vector<std::vector<int32_t>> Search(const Options& words) {
    if (!index_) Fail("no index to search");
    return index_->Search(queries_, words.Count("ef", 40), kNearest);
  }

  Distance distance_;
  Answers answers_;
  Vectors base_, queries_;
  std::unique_ptr<FloatHnsw> index_;
};

}  // namespace

int main(int argc, char** argv) {
  FloatBench bench(ReadBenchSet(Options(argc, argv, BenchSetOptions())));
  using std::placeholders::_1, std::placeholders::_2;
  ServeCommands({{"build", std::bind(&FloatBench::Build, &bench, _1, _2)},
                 {"recall", std::bind(&FloatBench::MeasureRecall, &bench, _1, _2)},
                 {"search", std::bind(&FloatBench::TimeSearch, &bench, _1, _2)}});
  return 0;
}
