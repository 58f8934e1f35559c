// Four writers (one row a transaction: as many inserts as updates and deletes) and four readers
// (the ten nearest) at once, with the worker, and a VACUUM now and then. Counts errors, watches how
// much is pending, checks the index afterwards, and compares what the readers get out of a second
// of their own CPU time with what they do alone, before and after: writers and worker may take
// cores away, but no reader shall wait or work more because of them. For comparison, the readers
// beside writers of a table that has no such index: what the machine itself takes, by its caches.
#ifndef HNSWPG_BENCH_WRITE_MIXED_H_
#define HNSWPG_BENCH_WRITE_MIXED_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "figures.h"
#include "tables.h"

namespace hnswpg::tools {

// What went wrong in the clients.
class ErrorLog {
 public:
  void Add(const std::string& message) {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (count_++ == 0) first_ = message.substr(0, message.find('\n'));
  }
  size_t count() const { return count_; }
  const std::string& first() const { return first_; }

 private:
  std::mutex mutex_;
  size_t count_ = 0;
  std::string first_;
};

// A client with a connection of its own, which does one thing after another until it is told to
// stop.
class Client {
 public:
  Client() { SetUpSession(&pg_); }
  virtual ~Client() = default;

  void Work(const std::atomic<bool>* stop, ErrorLog* errors) {
    done_ = 0;
    cpu_ = CpuSeconds(pg_.backend_pid(), [&] {
      for (; !*stop; done_++) {
        const std::string error = Step();
        if (!error.empty()) errors->Add(error);
      }
    });
  }
  // Of the last Work: steps, and seconds of the backend's CPU.
  double done() const { return static_cast<double>(done_); }
  double cpu() const { return cpu_; }

 protected:
  // Returns the server's message if the step failed.
  virtual std::string Step() = 0;
  PgSession pg_;

 private:
  size_t done_ = 0;
  double cpu_ = 0;
};

class Reader : public Client {
 public:
  Reader(const WriteSet& set, const std::string& table, size_t number)
      : queries_(set.queries), next_(number * 37) {
    pg_.Run("SET plan_cache_mode = force_generic_plan");
    pg_.Prepare("search", "SELECT id FROM " + table + " ORDER BY v " + OperatorOf(set.distance) +
                              " $1 LIMIT " + std::to_string(kNearest));
  }

 private:
  std::string Step() override {
    const float* query = queries_.row(next_++ % queries_.n());
    return pg_.Call("search", Parameters().Add(query, queries_.dim));
  }
  const Vectors& queries_;
  size_t next_;
};

// The ids a table has: rows come at the one end and go at the other, so that a writer always finds
// what it changes (but what another one has just deleted).
struct LiveIds {
  std::atomic<int32_t> first = 0;
  std::atomic<int32_t> end = 0;
};

class Writer : public Client {
 public:
  Writer(const WriteSet& set, const std::string& table, size_t number, LiveIds* ids)
      : new_vectors_(&set.spare, 1 + number * 100), random_(number), ids_(ids) {
    pg_.Prepare("insert", "INSERT INTO " + table + " VALUES ($1, $2)");
    pg_.Prepare("update", "UPDATE " + table + " SET v = $2 WHERE id = $1");
    pg_.Prepare("delete", "DELETE FROM " + table + " WHERE id = $1");
  }

 private:
  // As many rows come as go.
  std::string Step() override {
    const unsigned what = random_() % 3;
    if (what == 0) return pg_.Call("delete", Parameters().Add(ids_->first++));
    const Vectors row = new_vectors_.Next(1);
    const bool is_new = what == 1;
    const int32_t id = is_new ? ids_->end++ : AnyId();
    return pg_.Call(is_new ? "insert" : "update", Parameters().Add(id).Add(row.row(0), row.dim));
  }
  int32_t AnyId() {
    return std::uniform_int_distribution<int32_t>(ids_->first, ids_->end - 1)(random_);
  }

  NewVectors new_vectors_;
  std::mt19937 random_;
  LiveIds* ids_;
};

class MixedFigures {
 public:
  MixedFigures(PgSession* pg, const WriteSet& set, double seconds)
      : pg_(pg),
        seconds_(seconds),
        limit_(PendingLimit(pg)),
        table_(pg, "mixed", set.base),
        other_(pg, "mixed_other", set.base) {
    table_.Build(set.distance);
    for (const Table* table : {&table_, &other_}) {
      pg_->Run("CREATE INDEX ON " + table->name() + " (id)");
    }
    ids_.end = other_ids_.end = static_cast<int32_t>(table_.next_id());
    for (size_t i = 0; i < kClients; i++) {
      readers_.push_back(std::make_unique<Reader>(set, table_.name(), i));
      writers_.push_back(std::make_unique<Writer>(set, table_.name(), i, &ids_));
      others_.push_back(std::make_unique<Writer>(set, other_.name(), i, &other_ids_));
    }
  }

  void Print() {
    PrintHeading(Format("4 writers and 4 readers, %.0f s", seconds_));
    const auto wait = [this] { Sleep(seconds_ / 4); };
    const double before = Measure({&readers_}, wait);
    double seconds = 0;
    const double mixed = Measure({&readers_, &writers_}, [this, &seconds] {
      seconds = Seconds([this] { WatchAndVacuum(); });
    });
    const double written = Total(writers_, &Client::done) / seconds;
    TidyUp();
    const double after = Measure({&readers_}, wait);
    const double beside = Measure({&readers_, &others_}, wait);
    const double alone = (before + after) / 2;
    PrintFigure("errors", static_cast<double>(errors_.count()), AtMost(0), errors_.first(), 0);
    PrintFigure("rows of hnsw_check",
                std::stod(pg_->Value("SELECT count(*) FROM hnsw_check('" + table_.index() + "')")),
                AtMost(0), "", 0);
    // An inserter links when it has left one too many, so each may have that one under way.
    PrintFigure("most pending seen", most_pending_, AtMost(static_cast<double>(limit_ + kClients)),
                Format("%.0f rows written/s, VACUUM up to %.1f s", written, longest_vacuum_), 0);
    PrintFigure("readers' queries a second of their CPU / alone", mixed / alone, AtLeast(0.8),
                Format("%.0f / %.0f (before %.0f, after %.0f)", mixed, alone, before, after));
    PrintFigure("the same beside writers of a table without index", beside / alone, NoTarget(),
                Format("%.0f / %.0f", beside, alone));
  }

 private:
  static constexpr size_t kClients = 4;  // of each kind

  using Clients = std::vector<std::unique_ptr<Client>>;

  static double Total(const Clients& clients, double (Client::*value)() const) {
    double sum = 0;
    for (const auto& client : clients) sum += (*client.*value)();
    return sum;
  }

  static void Sleep(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  }

  // Runs `meanwhile` while the clients work; returns the readers' queries a second of their CPU.
  template <class Body>
  double Measure(const std::vector<Clients*>& groups, Body meanwhile) {
    std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (Clients* group : groups) {
      for (auto& client : *group) {
        threads.emplace_back(&Client::Work, client.get(), &stop, &errors_);
      }
    }
    meanwhile();
    stop = true;
    for (std::thread& thread : threads) thread.join();
    return Total(readers_, &Client::done) / Total(readers_, &Client::cpu);
  }

  // Leaves the worker nothing to do.
  void TidyUp() {
    table_.Sync();
    pg_->Run("VACUUM mixed");
    pg_->Run("SELECT hnsw_cleanup('" + table_.index() + "')");
  }

  // For the whole time: looks at what is pending all the while, and vacuums from a session of its
  // own at the end of each quarter but the last.
  void WatchAndVacuum() {
    const std::string pending = "SELECT pending FROM hnsw_status('" + table_.index() + "')";
    std::thread vacuum([this] {
      PgSession other;
      SetUpSession(&other);
      for (int quarter = 0; quarter < 3; quarter++) {
        Sleep(seconds_ / 4);
        longest_vacuum_ = std::max(longest_vacuum_, Seconds([&] { other.Run("VACUUM mixed"); }));
      }
    });
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds_);
    while (std::chrono::steady_clock::now() < end) {
      most_pending_ = std::max(most_pending_, std::stod(pg_->Value(pending)));
      Sleep(0.02);
    }
    vacuum.join();
  }

  PgSession* pg_;
  double seconds_;
  size_t limit_;
  Table table_, other_;
  LiveIds ids_, other_ids_;
  ErrorLog errors_;
  double most_pending_ = 0;
  double longest_vacuum_ = 0;  // beside the clients
  Clients readers_, writers_, others_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_WRITE_MIXED_H_
