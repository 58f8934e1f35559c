// One contestant in the server: an extension with a type `vector` and an access method `hnsw`, in
// the database that the environment names, with the tables
//   base (id int, v vector(dim)), index base_hnsw
//   query (id int, v vector), its vectors in the row: fetching them from elsewhere would be timed
// and the SQL that is the same for all contestants.
#ifndef HNSWPG_BENCH_SERVER_CONTESTANT_H_
#define HNSWPG_BENCH_SERVER_CONTESTANT_H_

#include <string>

#include "../bench_set.h"
#include "../pg_session.h"

namespace hnswpg::tools {

class Contestant {
 public:
  Contestant(std::string extension, const BenchSet& set)
      : extension_(std::move(extension)), set_(set) {}

  const BenchSet& set() const { return set_; }
  bool is_hnswpg() const { return extension_ == "hnswpg"; }

  // Settings of every session that measures. The library is loaded by hand, so that its settings
  // are known; a fresh connection measures what happens where it is not.
  void SetUp(PgSession* pg) const {
    pg->Run("LOAD '" + extension_ + "'");
    SetUpPlans(pg);
    pg->Run("SET synchronous_commit = off");
  }
  static void SetUpPlans(PgSession* pg) {
    pg->Run("SET plan_cache_mode = force_generic_plan; SET jit = off");
    pg->Run("SET enable_seqscan = off; SET enable_sort = off");
    pg->Run("SET max_parallel_workers_per_gather = 0");
  }
  static void SetEf(PgSession* pg, size_t ef) {
    pg->Run("SET hnsw.ef_search = " + std::to_string(ef));
  }

  void Load(PgSession* pg) const {
    pg->Run("CREATE EXTENSION IF NOT EXISTS " + extension_);
    pg->Run("DROP TABLE IF EXISTS base, query");
    pg->Run("CREATE TABLE base (id int, v vector(" + std::to_string(set_.base.dim) + "))");
    pg->Run("CREATE TABLE query (id int, v vector)");
    pg->Run("ALTER TABLE query ALTER v SET STORAGE plain");
    pg->Load("base", set_.base);
    pg->Load("query", set_.queries);
    pg->Run("VACUUM ANALYZE base");
    pg->Run("VACUUM ANALYZE query");
    pg->Run("CHECKPOINT");
  }

  std::string CreateIndex(const std::string& table) const {
    return "CREATE INDEX " + table + "_hnsw ON " + table + " USING hnsw (v " +
           (set_.cosine() ? "vector_cosine_ops" : "vector_l2_ops") +
           ") WITH (m = " + std::to_string(kM) +
           ", ef_construction = " + std::to_string(kEfConstruction) + ")";
  }
  // The ids of the nearest of $1.
  std::string Nearest() const { return NearestOf("$1"); }
  // One statement that searches for all queries.
  std::string AllNearest(const std::string& what) const {
    return "SELECT " + what + " FROM query, LATERAL (" + NearestOf("query.v") + ") x";
  }

  // Recall of the rows that AllNearest finds with the session's settings.
  double MeasureRecall(PgSession* pg) const {
    std::vector<std::vector<int32_t>> found(set_.queries.n());
    for (const auto& [q, id] : pg->Pairs(AllNearest("query.id, x.id"))) found[q].push_back(id);
    return Recall(set_.answers, found, kNearest);
  }

 private:
  std::string NearestOf(const std::string& query) const {
    return std::string("SELECT id FROM base ORDER BY v ") + (set_.cosine() ? "<=> " : "<-> ") +
           query + " LIMIT " + std::to_string(kNearest);
  }

  std::string extension_;
  const BenchSet& set_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_SERVER_CONTESTANT_H_
