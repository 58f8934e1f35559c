// What it takes to build the index of `base`. Each build is done by a new session, so that no
// memory of an earlier one is there to be used again.
#ifndef HNSWPG_BENCH_SERVER_BUILDS_H_
#define HNSWPG_BENCH_SERVER_BUILDS_H_

#include "../json.h"
#include "../memory.h"
#include "contestant.h"

namespace hnswpg::tools {

// Answers seconds, cpu (of all processes and threads), peak (bytes), workers (parallel worker
// processes that worked), size (bytes of the index), notice (the server's).
//   threads=N      the session's own and N - 1 others of it, or
//   workers=N      the session and N parallel workers, which is also set on the table since a
//                  small one (its vectors lie elsewhere) gets none otherwise
//   memory=KB      maintenance_work_mem
inline void Build(const Contestant& contestant, const Options& words, Json* answer) {
  PgSession pg;
  contestant.SetUp(&pg);
  const size_t workers =
      words.Has("workers") ? words.Count("workers", 0) : words.Count("threads", 1) - 1;
  pg.Run("DROP INDEX IF EXISTS base_hnsw");
  pg.Run("ALTER TABLE base SET (parallel_workers = " + std::to_string(workers) + ")");
  pg.Run("SET max_parallel_maintenance_workers = " + std::to_string(workers));
  pg.Run("SET maintenance_work_mem = '" + words.Text("memory", "65536") + "kB'");
  pg.Run("CHECKPOINT");
  pg.ForgetNotices();
  BuildWatch watch(pg.backend_pid());
  const double seconds = Seconds([&] { pg.Run(contestant.CreateIndex("base")); });
  watch.Stop();
  answer->Add("seconds", seconds).Add("cpu", watch.cpu()).Add("peak", watch.peak());
  answer->Add("workers", watch.workers()).Add("notice", pg.notices());
  answer->Add("size", std::stod(pg.Value("SELECT pg_relation_size('base_hnsw')")));
}

// Which maintenance_work_mem the build wants, in kB: begins one with the least there is, of which
// the server says what would be enough, and breaks it off. 0 if it does not say.
inline void AskForMemory(const Contestant& contestant, Json* answer) {
  PgSession pg;
  contestant.SetUp(&pg);
  pg.Run("SET maintenance_work_mem = '1MB'; SET max_parallel_maintenance_workers = 0");
  pg.CancelAtNotice();
  pg.Run("BEGIN; ALTER INDEX base_hnsw RENAME TO base_hnsw_full");
  pg.RunCancelled(contestant.CreateIndex("base"));
  pg.Run("ROLLBACK");
  const std::string notices = pg.notices();
  const std::string before = "maintenance_work_mem to ";
  const size_t at = notices.find(before);
  const double mb = at == std::string::npos ? 0 : std::atof(notices.c_str() + at + before.size());
  answer->Add("memory", mb * 1024);
}

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_SERVER_BUILDS_H_
