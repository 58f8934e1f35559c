// What writing costs, in a table of its own that begins with the first rows of the base, and in
// another without an index.
#ifndef HNSWPG_BENCH_SERVER_WRITES_H_
#define HNSWPG_BENCH_SERVER_WRITES_H_

#include "../json.h"
#include "../measure.h"
#include "../write/write_set.h"
#include "contestant.h"

namespace hnswpg::tools {

class WriteFigures {
 public:
  explicit WriteFigures(const Contestant& contestant)
      : contestant_(contestant), new_vectors_(&contestant.set().base, /*lap*/ 1) {
    contestant.SetUp(&pg_);
  }

  // Makes the tables with `rows` rows.
  void Prepare(const Options& words, Json* answer) {
    const Vectors rows = FirstRows(contestant_.set().base, words.Count("rows", 10000));
    for (const char* table : {"written", "written_plain"}) {
      const std::string name = table;
      pg_.Run("DROP TABLE IF EXISTS " + name);
      pg_.Run("CREATE TABLE " + name + " (id int, v vector(" + std::to_string(rows.dim) + "))");
      pg_.Load(name, rows);
      pg_.Run("VACUUM ANALYZE " + name);
      pg_.Prepare("insert_" + name, "INSERT INTO " + name + " VALUES ($1, $2)");
    }
    next_id_ = rows.n();
    pg_.Run("SET maintenance_work_mem = '" + words.Text("memory", "65536") + "kB'");
    pg_.Run(contestant_.CreateIndex("written"));
    answer->Add("rows", static_cast<double>(rows.n()));
  }

  // One row a transaction, prepared, binary; client and backend on one core. Answers
  //   rate, plain_rate   rows a second with the index and without
  //   done_rate          the same with the index, until the last row is linked into the graph
  //   wal                bytes a row beyond those of the table without, linking included
  void Insert(const Options& words, Json* answer) {
    const size_t n = words.Count("rows", 500);
    const Vectors rows = new_vectors_.Next(n);
    const Pinning pinning(pg_.backend_pid());
    const auto insert = [&](const std::string& table) {
      size_t id = next_id_;
      std::vector<Parameters> parameters(n);
      for (size_t i = 0; i < n; i++) {
        parameters[i].Add(static_cast<int32_t>(id++)).Add(rows.row(i), rows.dim);
      }
      return Seconds([&] {
        for (const Parameters& row : parameters) {
          const std::string error = pg_.Call("insert_" + table, row);
          if (!error.empty()) Fail(error);
        }
      });
    };
    const double count = static_cast<double>(n);
    std::string start = WalPosition();
    const double plain_seconds = insert("written_plain");
    const double plain_wal = WalSince(start);
    start = WalPosition();
    const double seconds = insert("written");
    double rest = 0;
    if (contestant_.is_hnswpg()) {
      rest = Seconds([&] { pg_.Run("SELECT hnsw_sync('written_hnsw')"); });
    }
    const double wal = WalSince(start);
    next_id_ += n;
    answer->Add("rate", count / seconds).Add("plain_rate", count / plain_seconds);
    answer->Add("done_rate", count / (seconds + rest));
    answer->Add("wal", (wal - plain_wal) / count).Add("plain_wal", plain_wal / count);
  }

  // Deletes a tenth and answers the seconds of VACUUM (vacuum), and of taking the dead out of the
  // graph, where that is another command (cleanup).
  void Vacuum(Json* answer) {
    pg_.Run("DELETE FROM written WHERE id % 10 = 3");
    answer->Add("vacuum", Seconds([&] { pg_.Run("VACUUM (INDEX_CLEANUP on) written"); }));
    answer->Add("cleanup", !contestant_.is_hnswpg() ? 0 : Seconds([&] {
                  pg_.Run("SELECT hnsw_cleanup('written_hnsw')");
                }));
    pg_.Run("DROP TABLE written, written_plain");
  }

 private:
  std::string WalPosition() { return pg_.Value("SELECT pg_current_wal_insert_lsn()"); }
  double WalSince(const std::string& start) {
    return std::stod(
        pg_.Value("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '" + start + "')"));
  }

  const Contestant& contestant_;
  NewVectors new_vectors_;
  PgSession pg_;
  size_t next_id_ = 0;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_SERVER_WRITES_H_
