// An index in the server against hnswlib's float index in this process: the same vectors, m and
// ef_construction, measured in one run.
//
//   index_bench --base FILE --query FILE [--answers FILE.ivecs] --metric l2|cos ...
//   index_bench --generate N,DIM,QUERIES --metric l2|cos ...
//     --count N            only the first N vectors of the file
//     --quantization NAME  int8 (default) or none
//     --rounds N           of searching; medians count (3)
//     --builds N           of both; medians count (1)
//     --efs A,B,...        for the search (10,14,20,28,40,56,80,120,160,240,320)
//     --plain              keep the vectors in the table's rows (STORAGE plain)
//
// The environment names the server (PGHOST, ...); what is made there lies in the schema
// hnswpg_bench. Prints lines of a word and key=value pairs:
//   data    n, dim, queries
//   build   seconds with two threads each, and ours / hnswlib, also of CPU seconds
//   size    bytes of the index and of the float vectors, and index / floats
//   ef      recall@10 and microseconds a query of both
//   speed   microseconds at the same recall, interpolated, and hnswlib / ours (how many times
//           hnswlib's queries a second)
//
// Searching: one backend answers all queries in one statement (a LATERAL join), so what is timed is
// the executor and the index, not the way there; this process and the backend are pinned to
// one core. The two sides take turns, ef by ef. Times of searches are CPU times.
#include <array>

#include "bench_set.h"
#include "float_hnsw.h"
#include "measure.h"
#include "pg_session.h"

namespace {

using namespace hnswpg::tools;

constexpr int kThreads = 2;
constexpr std::array<double, 3> kRecalls = {0.95, 0.98, 0.99};

struct Plan {
  std::string quantization;
  std::vector<size_t> efs;
  int rounds, builds;
  bool plain;

  explicit Plan(const Options& options)
      : quantization(options.Text("quantization", "int8")),
        efs(options.Counts("efs", {10, 14, 20, 28, 40, 56, 80, 120, 160, 240, 320})),
        rounds(static_cast<int>(options.Count("rounds", 3))),
        builds(static_cast<int>(options.Count("builds", 1))),
        plain(options.Has("plain")) {}
};

struct Data {
  Distance distance;
  Vectors base, queries;
  Answers answers;
};

Data ReadData(const Options& options) {
  Data data;
  data.distance = ParseDistance(options.Text("metric", "l2"));
  const std::vector<size_t> generate = options.Counts("generate");
  if (generate.size() == 3) {
    data.base = Generate(generate[0], generate[1], 1, 0);
    data.queries = Generate(generate[2], generate[1], 1, 1);
  } else if (options.Has("base") && options.Has("query")) {
    data.base = ReadRows<float>(options.Text("base"));
    data.queries = ReadRows<float>(options.Text("query"));
  } else {
    Fail("--base and --query, or --generate N,DIM,QUERIES, are needed");
  }
  const size_t count = options.Count("count", data.base.n());
  const bool whole = count >= data.base.n();
  data.base.Truncate(count);
  if (whole && options.Has("answers")) {
    data.answers = ReadRows<int32_t>(options.Text("answers"));
  } else {
    data.answers = ExactAnswers(data.base, data.queries, data.distance, kNearest);
  }
  return data;
}

// A build: seconds until it is done, and seconds of CPU in all its threads.
struct BuildTime {
  double wall = 0;
  double cpu = 0;
};

template <class Body>
BuildTime Measure(pid_t pid, Body body) {
  BuildTime time;
  time.wall = Seconds([&] { time.cpu = CpuSeconds(pid, body); });
  return time;
}

// The index in the server.
class Ours {
 public:
  Ours(const Plan& plan, const Data& data) {
    const bool cosine = data.distance == Distance::kCosine;
    operator_ = cosine ? "<=>" : "<->";
    create_ = std::string("CREATE INDEX base_hnsw ON base USING hnsw (v ") +
              (cosine ? "vector_cosine_ops" : "vector_l2_ops") +
              ") WITH (m = " + std::to_string(kM) +
              ", ef_construction = " + std::to_string(kEfConstruction) +
              ", quantization = " + plan.quantization + ")";
    pg_.Run("CREATE EXTENSION IF NOT EXISTS hnswpg");
    pg_.Run("DROP SCHEMA IF EXISTS hnswpg_bench CASCADE; CREATE SCHEMA hnswpg_bench");
    pg_.Run("SET search_path = hnswpg_bench, public");
    pg_.Run("CREATE TABLE base (id int, v vector(" + std::to_string(data.base.dim) + "))");
    if (plan.plain) pg_.Run("ALTER TABLE base ALTER v SET STORAGE plain");
    // In the row: fetching a toasted query vector would be timed with every search.
    pg_.Run("CREATE TABLE query (id int, v vector)");
    pg_.Run("ALTER TABLE query ALTER v SET STORAGE plain");
    pg_.Load("base", data.base);
    pg_.Load("query", data.queries);
    pg_.Run("VACUUM ANALYZE base");
    pg_.Run("VACUUM ANALYZE query");
    pg_.Run("CHECKPOINT");
    pg_.Run("SET maintenance_work_mem = '8GB'");
    pg_.Run("SET max_parallel_maintenance_workers = " + std::to_string(kThreads - 1));
    pg_.Run("SET max_parallel_workers_per_gather = 0; SET jit = off");
    pg_.Run("SET enable_seqscan = off; SET enable_sort = off");
  }
  ~Ours() { pg_.Run("DROP SCHEMA hnswpg_bench CASCADE"); }

  BuildTime Build() {
    pg_.Run("DROP INDEX IF EXISTS base_hnsw");
    return Measure(backend_pid(), [this] { pg_.Run(create_); });
  }
  size_t Bytes() { return std::stoul(pg_.Value("SELECT pg_relation_size('base_hnsw')")); }

  std::vector<std::vector<int32_t>> Search(size_t ef, size_t queries) {
    SetEf(ef);
    std::vector<std::vector<int32_t>> found(queries);
    for (const auto& [q, id] : pg_.Pairs(Select("query.id, x.id"))) found[q].push_back(id);
    return found;
  }
  // Seconds of the backend's CPU for all queries.
  double TimeSearch(size_t ef) {
    SetEf(ef);
    return CpuSeconds(backend_pid(), [this] { pg_.Run(Select("sum(x.id)")); });
  }
  int backend_pid() const { return pg_.backend_pid(); }

 private:
  void SetEf(size_t ef) { pg_.Run("SET hnsw.ef_search = " + std::to_string(ef)); }
  std::string Select(const std::string& what) const {
    return "SELECT " + what + " FROM query, LATERAL (SELECT id FROM base ORDER BY v " + operator_ +
           " query.v LIMIT " + std::to_string(kNearest) + ") x";
  }

  PgSession pg_;
  std::string operator_;
  std::string create_;
};

// One side at one ef.
struct Point {
  double recall = 0;
  std::vector<double> seconds;
  double Micros(size_t queries) const { return Median(seconds) * 1e6 / queries; }
};

class Race {
 public:
  Race(const Plan& plan, const Data& data)
      : plan_(plan),
        data_(data),
        prepared_base_(FloatHnsw::Prepare(data.base, data.distance)),
        prepared_queries_(FloatHnsw::Prepare(data.queries, data.distance)),
        ours_(plan, data) {}

  void Build() {
    std::vector<double> ours, theirs, ratios, cpu_ratios;
    for (int i = 0; i < plan_.builds; i++) {
      const BuildTime our_time = ours_.Build();
      theirs_.reset();
      const BuildTime their_time = Measure(0, [this] {
        theirs_ = std::make_unique<FloatHnsw>(prepared_base_, data_.distance, kM, kEfConstruction,
                                              kThreads);
      });
      ours.push_back(our_time.wall);
      theirs.push_back(their_time.wall);
      ratios.push_back(our_time.wall / their_time.wall);
      cpu_ratios.push_back(our_time.cpu / their_time.cpu);
    }
    std::printf("build ours_s=%.2f hnswlib_s=%.2f ratio=%.2f cpu_ratio=%.2f\n", Median(ours),
                Median(theirs), Median(ratios), Median(cpu_ratios));
    const double floats = static_cast<double>(data_.base.values.size() * sizeof(float));
    const double bytes = static_cast<double>(ours_.Bytes());
    std::printf("size index_mb=%.1f floats_mb=%.1f ratio=%.2f\n", bytes / (1 << 20),
                floats / (1 << 20), bytes / floats);
  }

  void Search() {
    const Pinning pinning(ours_.backend_pid());
    const size_t n = plan_.efs.size();
    std::vector<Point> ours(n), theirs(n);
    for (size_t i = 0; i < n; i++) MeasureRecall(plan_.efs[i], &ours[i], &theirs[i]);
    for (int round = 0; round < plan_.rounds; round++) {
      for (size_t i = 0; i < n; i++) {
        const size_t ef = plan_.efs[i];
        ours[i].seconds.push_back(ours_.TimeSearch(ef));
        theirs[i].seconds.push_back(
            CpuSeconds(0, [&] { theirs_->Search(prepared_queries_, ef, kNearest); }));
      }
    }
    for (size_t i = 0; i < n; i++) PrintPoint(plan_.efs[i], ours[i], theirs[i]);
    for (double recall : kRecalls) PrintSpeed(recall, ours, theirs);
  }

 private:
  void MeasureRecall(size_t ef, Point* ours, Point* theirs) {
    ours->recall = Recall(data_.answers, ours_.Search(ef, data_.queries.n()), kNearest);
    theirs->recall =
        Recall(data_.answers, theirs_->Search(prepared_queries_, ef, kNearest), kNearest);
  }

  void PrintPoint(size_t ef, const Point& ours, const Point& theirs) const {
    const size_t n = data_.queries.n();
    std::printf("ef ef=%zu ours_recall=%.4f hnswlib_recall=%.4f ours_us=%.1f hnswlib_us=%.1f\n", ef,
                ours.recall, theirs.recall, ours.Micros(n), theirs.Micros(n));
  }

  // Microseconds at a recall, log-linear between the measured points; 0 where it was not reached.
  double MicrosAt(double recall, const std::vector<Point>& points) const {
    const size_t n = data_.queries.n();
    for (size_t i = 1; i < points.size(); i++) {
      const Point &low = points[i - 1], &high = points[i];
      if (low.recall > recall || high.recall < recall || high.recall <= low.recall) continue;
      const double part = (recall - low.recall) / (high.recall - low.recall);
      return std::exp((1 - part) * std::log(low.Micros(n)) + part * std::log(high.Micros(n)));
    }
    return 0;
  }

  // Where even the smallest ef has more recall, at the least recall that both have.
  void PrintSpeed(double recall, const std::vector<Point>& ours,
                  const std::vector<Point>& theirs) const {
    recall = std::max({recall, ours.front().recall, theirs.front().recall});
    const double our_us = MicrosAt(recall, ours);
    const double their_us = MicrosAt(recall, theirs);
    if (our_us == 0 || their_us == 0) return;
    std::printf("speed recall=%.3f ours_us=%.1f hnswlib_us=%.1f ratio=%.2f\n", recall, our_us,
                their_us, their_us / our_us);
  }

  const Plan& plan_;
  const Data& data_;
  Vectors prepared_base_, prepared_queries_;
  Ours ours_;
  std::unique_ptr<FloatHnsw> theirs_;
};

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const Options options(argc, argv,
                        BenchSetOptions({"generate", "quantization", "rounds", "builds", "efs"}),
                        {"plain"});
  const Plan plan(options);
  const Data data = ReadData(options);
  std::printf("data n=%zu dim=%zu queries=%zu\n", data.base.n(), data.base.dim, data.queries.n());
  Race race(plan, data);
  race.Build();
  race.Search();
  return 0;
}
