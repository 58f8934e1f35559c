// How many blocks a search touches and reads, by the server's own counters, all queries in one
// statement. What is to be seen depends on shared_buffers, which whoever starts the server chooses.
#ifndef HNSWPG_BENCH_SERVER_BLOCKS_H_
#define HNSWPG_BENCH_SERVER_BLOCKS_H_

#include "../json.h"
#include "contestant.h"

namespace hnswpg::tools {

// Answers, for each query: touched, read (BUFFERS of the whole statement: index, rows, and vectors
// outside of rows), and index_touched, index_read: these less those of tables
// (pg_statio_user_tables). The server's own counters of an index are not used: what it finds by
// ReadRecentBuffer counts there as nothing.
inline void CountBlocks(const Contestant& contestant, const Options& words, Json* answer) {
  PgSession pg;
  contestant.SetUp(&pg);
  Contestant::SetEf(&pg, words.Count("ef", 40));
  const double n = static_cast<double>(contestant.set().queries.n());
  const std::string search = contestant.AllNearest("sum(x.id)");
  pg.Run(search);  // leaves in the buffers what a server that works would have in them
  const auto of_tables = [&](const std::string& kind) {
    pg.Run("SELECT pg_stat_force_next_flush()");
    return std::stod(pg.Value("SELECT sum(heap_blks_" + kind + " + coalesce(toast_blks_" + kind +
                              ", 0) + coalesce(tidx_blks_" + kind +
                              ", 0)) FROM pg_statio_user_tables"));
  };
  const double tables_hit = of_tables("hit"), tables_read = of_tables("read");
  const std::string plan = pg.Text("EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) " + search);
  const auto of_all = [&](const std::string& name) {  // of the topmost node, which comes first
    const size_t at = plan.find("\"" + name + "\": ");
    return at == std::string::npos ? 0 : std::atof(plan.c_str() + at + name.size() + 4);
  };
  const double read = of_all("Shared Read Blocks"), hit = of_all("Shared Hit Blocks");
  const double index_read = read - (of_tables("read") - tables_read);
  const double index_hit = hit - (of_tables("hit") - tables_hit);
  answer->Add("touched", (hit + read) / n).Add("read", read / n);
  answer->Add("index_touched", (index_hit + index_read) / n).Add("index_read", index_read / n);
}

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_SERVER_BLOCKS_H_
