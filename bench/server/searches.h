// What searches cost a client, and what they cost inside the server.
#ifndef HNSWPG_BENCH_SERVER_SEARCHES_H_
#define HNSWPG_BENCH_SERVER_SEARCHES_H_

#include <algorithm>
#include <atomic>
#include <barrier>
#include <memory>
#include <thread>

#include "../json.h"
#include "../measure.h"
#include "contestant.h"

namespace hnswpg::tools {

// A client that asks for the nearest by a prepared statement, all in binary. Everything that can be
// done before the clock runs is done before.
class SearchClient {
 public:
  explicit SearchClient(const Contestant& contestant) {
    contestant.SetUp(&pg_);
    pg_.Prepare("nearest", contestant.Nearest());
    const Vectors& queries = contestant.set().queries;
    for (size_t q = 0; q < queries.n(); q++) {
      queries_.emplace_back();
      Parameters::Append(queries.row(q), queries.dim, &queries_.back());
    }
  }

  PgSession* pg() { return &pg_; }
  size_t n() const { return queries_.size(); }

  // One round trip.
  void Ask(size_t q) {
    const std::string& query = queries_[q];
    if (pg_.CallBinary("nearest", query) != kNearest) Fail("a search found fewer than it should");
  }

 private:
  PgSession pg_;
  std::vector<std::string> queries_;
};

class SearchFigures {
 public:
  explicit SearchFigures(const Contestant& contestant)
      : contestant_(contestant), one_(contestant), other_(contestant) {
    one_.pg()->Prepare("all_nearest", contestant.AllNearest("sum(x.id)"));
  }

  // Answers `recall`, and whether the index is what the planner takes for both statements.
  void MeasureRecall(const Options& words, Json* answer) {
    SetEf(words);
    answer->Add("recall", contestant_.MeasureRecall(one_.pg()));
    const std::string plans =
        one_.pg()->Text("EXPLAIN EXECUTE all_nearest") +
        one_.pg()->Text("EXPLAIN EXECUTE nearest('" +
                        one_.pg()->Value("SELECT v FROM query LIMIT 1") + "')");
    size_t uses = 0;
    const std::string wanted = "Index Scan using base_hnsw";
    for (size_t at = 0; (at = plans.find(wanted, at)) != std::string::npos; at++) uses++;
    if (uses != 2) Fail("the planner does not take the index:\n" + plans);
  }

  // All queries one after another through one connection; client and backend on one core.
  void TimeClient(const Options& words, Json* answer) {
    SetEf(words);
    const Pinning pinning(one_.pg()->backend_pid());
    std::vector<double> latencies;
    latencies.reserve(one_.n());
    const int backend = one_.pg()->backend_pid();
    double client_cpu = 0, backend_cpu = 0;
    const double seconds = Seconds([&] {
      client_cpu = CpuSeconds(0, [&] {
        backend_cpu = CpuSeconds(backend, [&] {
          for (size_t q = 0; q < one_.n(); q++) latencies.push_back(Seconds([&] { one_.Ask(q); }));
        });
      });
    });
    std::sort(latencies.begin(), latencies.end());
    const auto percentile = [&](size_t p) {
      return latencies[std::min(latencies.size() - 1, latencies.size() * p / 100)] * 1e6;
    };
    const double n = static_cast<double>(one_.n());
    answer->Add("us", seconds * 1e6 / n).Add("cpu_us", (client_cpu + backend_cpu) * 1e6 / n);
    answer->Add("p50", percentile(50)).Add("p95", percentile(95)).Add("p99", percentile(99));
  }

  // The CPU time of the backend for all queries in one statement.
  void TimeInside(const Options& words, Json* answer) {
    SetEf(words);
    const Pinning pinning(one_.pg()->backend_pid());
    const double seconds =
        CpuSeconds(one_.pg()->backend_pid(), [&] { one_.pg()->Run("EXECUTE all_nearest"); });
    answer->Add("us", seconds * 1e6 / static_cast<double>(one_.n()));
  }

  // Queries a second of one connection (on one core and then on another: the mean), and of two at
  // once, each pair of client and backend on a core of its own.
  void TimeTwo(const Options& words, Json* answer) {
    SetEf(words);
    const double seconds = words.Number("seconds", 1);
    const std::vector<int> cores = LastCores();
    if (cores.size() < 2) Fail("two connections need two cores");
    const double first = Rate({&one_}, cores, seconds);
    const double second = Rate({&one_}, {cores[1]}, seconds);
    answer->Add("one", (first + second) / 2);
    answer->Add("two", Rate({&one_, &other_}, cores, seconds));
  }

 private:
  void SetEf(const Options& words) {
    for (SearchClient* client : {&one_, &other_}) {
      Contestant::SetEf(client->pg(), words.Count("ef", 40));
    }
  }

  static double Rate(const std::vector<SearchClient*>& clients, const std::vector<int>& cores,
                     double seconds) {
    std::vector<double> rates(clients.size());
    std::barrier start(static_cast<std::ptrdiff_t>(clients.size()));
    std::vector<std::thread> threads;
    for (size_t i = 0; i < clients.size(); i++) {
      threads.emplace_back([&, i] {
        const Pinning pinning(clients[i]->pg()->backend_pid(), cores[i]);
        start.arrive_and_wait();
        rates[i] = AskFor(seconds, i * clients[i]->n() / 2, clients[i]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    double sum = 0;
    for (double rate : rates) sum += rate;
    return sum;
  }
  static double AskFor(double seconds, size_t first, SearchClient* client) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point start = Clock::now();
    size_t asked = 0;
    double passed = 0;
    for (; passed < seconds; asked++) {
      client->Ask((first + asked) % client->n());
      passed = std::chrono::duration<double>(Clock::now() - start).count();
    }
    return static_cast<double>(asked) / passed;
  }

  const Contestant& contestant_;
  SearchClient one_, other_;
};

// How long the first query of a new connection takes, and the ones after it. Sessions begin as an
// application's do: the library is loaded when something needs it.
inline void TimeFresh(const Contestant& contestant, const Options& words, Json* answer) {
  const Vectors& queries = contestant.set().queries;
  std::vector<double> first, warm;
  for (size_t i = 0; i < words.Count("connections", 20); i++) {
    PgSession pg;
    const Pinning pinning(pg.backend_pid());
    Contestant::SetUpPlans(&pg);
    Contestant::SetEf(&pg, words.Count("ef", 40));
    pg.Prepare("nearest", contestant.Nearest());
    const auto ask = [&](size_t q) {
      std::string query;
      Parameters::Append(queries.row(q % queries.n()), queries.dim, &query);
      return 1e3 * Seconds([&] { pg.CallBinary("nearest", query); });
    };
    first.push_back(ask(i));
    std::vector<double> others;
    for (size_t j = 1; j <= 10; j++) others.push_back(ask(i + j));
    warm.push_back(Median(others));
  }
  answer->Add("first_ms", first).Add("warm_ms", warm);
}

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_SERVER_SEARCHES_H_
