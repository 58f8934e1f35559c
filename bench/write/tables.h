// Tables (id int, v vector) with and without an index, for write_bench, and the server's settings.
#ifndef HNSWPG_BENCH_WRITE_TABLES_H_
#define HNSWPG_BENCH_WRITE_TABLES_H_

#include <unistd.h>

#include <string>

#include "../bench_set.h"
#include "../pg_session.h"
#include "write_set.h"

namespace hnswpg::tools {

inline const char* OperatorOf(Distance distance) {
  return distance == Distance::kCosine ? "<=>" : "<->";
}

// For a session that works in the schema of the program.
inline void SetUpSession(PgSession* pg) {
  pg->Run("LOAD 'hnswpg'");
  pg->Run("SET search_path = hnswpg_bench, public");
  pg->Run("SET synchronous_commit = off; SET maintenance_work_mem = '2GB'; SET jit = off");
  pg->Run("SET max_parallel_workers_per_gather = 0");
  pg->Run("SET enable_seqscan = off; SET enable_sort = off");
}

inline size_t PendingLimit(PgSession* pg) {
  return std::stoul(pg->Value("SELECT current_setting('hnsw.pending_limit')"));
}

// While it lives, this session leaves all that it inserts pending.
class NoPendingLimit {
 public:
  explicit NoPendingLimit(PgSession* pg) : pg_(pg) {
    pg_->Run("SET hnsw.pending_limit = " + std::to_string(INT32_MAX));
  }
  ~NoPendingLimit() { pg_->Run("RESET hnsw.pending_limit"); }
  NoPendingLimit(const NoPendingLimit&) = delete;
  NoPendingLimit& operator=(const NoPendingLimit&) = delete;

 private:
  PgSession* pg_;
};

// A setting of the whole server, while it lives. A checkpoint tells that the server's own processes
// have it, too: the checkpointer reads the file before.
class ServerSetting {
 public:
  ServerSetting(PgSession* pg, const std::string& name, const std::string& value)
      : pg_(pg), name_(name) {
    pg_->Run("ALTER SYSTEM SET " + name_ + " = " + value);
    Reload();
  }
  ~ServerSetting() {
    pg_->Run("ALTER SYSTEM RESET " + name_);
    Reload();
  }
  ServerSetting(const ServerSetting&) = delete;
  ServerSetting& operator=(const ServerSetting&) = delete;

 private:
  void Reload() {
    pg_->Run("SELECT pg_reload_conf()");
    pg_->Run("CHECKPOINT");
  }

  PgSession* pg_;
  std::string name_;
};

// While it lives, nothing is linked but by hand.
class NoWorker {
 public:
  explicit NoWorker(PgSession* pg) : off_(pg, "hnsw.sync_interval", "0") {
    const char* workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'hnsw%'";
    for (int i = 0; pg->Value(workers) != "0"; i++) {
      if (i == 600) Fail("the worker does not stop though hnsw.sync_interval is 0");
      usleep(100000);
    }
  }

 private:
  ServerSetting off_;
};

class Table {
 public:
  // Makes it with `rows`, whose ids are their positions.
  Table(PgSession* pg, const std::string& name, const Vectors& rows)
      : pg_(pg), name_(name), dim_(rows.dim) {
    pg_->Run("DROP TABLE IF EXISTS " + name_);
    pg_->Run("CREATE TABLE " + name_ + " (id int, v vector(" + std::to_string(dim_) + "))");
    Copy(rows);
    pg_->Run("VACUUM ANALYZE " + name_);
    pg_->Prepare("insert_" + name_, "INSERT INTO " + name_ + " VALUES ($1, $2)");
  }
  ~Table() {
    pg_->Run("DEALLOCATE insert_" + name_);
    pg_->Run("DROP TABLE " + name_);
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  const std::string& name() const { return name_; }
  std::string index() const { return name_ + "_hnsw"; }
  size_t next_id() const { return next_id_; }

  // Builds the index anew; returns the seconds. `threads` counts the backend's own.
  double Build(Distance distance, int threads = 2, const std::string& further_options = "") {
    pg_->Run("DROP INDEX IF EXISTS " + index());
    pg_->Run("SET max_parallel_maintenance_workers = " + std::to_string(threads - 1));
    const double seconds = Seconds([&] {
      pg_->Run("CREATE INDEX " + index() + " ON " + name_ + " USING hnsw (v " +
               (distance == Distance::kCosine ? "vector_cosine_ops" : "vector_l2_ops") +
               ") WITH (m = " + std::to_string(kM) +
               ", ef_construction = " + std::to_string(kEfConstruction) + further_options + ")");
    });
    pg_->Run("RESET max_parallel_maintenance_workers");
    return seconds;
  }

  void Copy(const Vectors& rows) {
    pg_->Load(name_, rows, next_id_);
    next_id_ += rows.n();
  }

  struct InsertSpeed {
    double rate;  // rows a second
    double cpu;   // microseconds of the backend's CPU a row
  };

  // One statement and one transaction a row.
  InsertSpeed Insert(const Vectors& rows) {
    std::vector<Parameters> parameters(rows.n());
    for (size_t i = 0; i < rows.n(); i++) {
      parameters[i].Add(static_cast<int32_t>(next_id_++)).Add(rows.row(i), rows.dim);
    }
    double cpu = 0;
    const double seconds =
        Seconds([&] { cpu = CpuSeconds(pg_->backend_pid(), [&] { CallForEach(parameters); }); });
    const double n = static_cast<double>(rows.n());
    return {n / seconds, cpu / n * 1e6};
  }

  // Links what is pending; returns elements a second.
  double Sync() {
    double linked = 0;
    const double seconds =
        Seconds([&] { linked = std::stod(pg_->Value("SELECT hnsw_sync('" + index() + "')")); });
    return linked / seconds;
  }

 private:
  void CallForEach(const std::vector<Parameters>& rows) {
    for (const Parameters& row : rows) {
      const std::string error = pg_->Call("insert_" + name_, row);
      if (!error.empty()) Fail(error);
    }
  }

  PgSession* pg_;
  std::string name_;
  size_t dim_;
  size_t next_id_ = 0;
};

// The queries of a set as a table (id int, v vector), in the row: fetching a toasted query would be
// timed with every search.
class QueryTable {
 public:
  QueryTable(PgSession* pg, const WriteSet& set) : pg_(pg), operator_(OperatorOf(set.distance)) {
    pg_->Run("DROP TABLE IF EXISTS query; CREATE TABLE query (id int, v vector)");
    pg_->Run("ALTER TABLE query ALTER v SET STORAGE plain");
    pg_->Load("query", set.queries);
    pg_->Run("VACUUM ANALYZE query");
  }
  ~QueryTable() { pg_->Run("DROP TABLE query"); }
  QueryTable(const QueryTable&) = delete;
  QueryTable& operator=(const QueryTable&) = delete;

  // One statement that searches for all queries.
  std::string Search(const std::string& table, const std::string& what) const {
    return "SELECT " + what + " FROM query, LATERAL (SELECT id FROM " + table + " ORDER BY v " +
           operator_ + " query.v LIMIT " + std::to_string(kNearest) + ") x";
  }

 private:
  PgSession* pg_;
  std::string operator_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_WRITE_TABLES_H_
