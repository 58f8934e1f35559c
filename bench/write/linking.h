// How fast pending elements are linked, by hnsw_sync, against the rate at which one client inserts
// with sync = immediate: a small backlog, which is linked one by one, and a large one, which goes
// through a graph in memory.
#ifndef HNSWPG_BENCH_WRITE_LINKING_H_
#define HNSWPG_BENCH_WRITE_LINKING_H_

#include "../measure.h"
#include "figures.h"
#include "tables.h"

namespace hnswpg::tools {

class LinkingFigures {
 public:
  LinkingFigures(PgSession* pg, const WriteSet& set, int rounds)
      : pg_(pg),
        rounds_(rounds),
        small_(std::min<size_t>(500, set.base.n() / 20)),
        large_(set.base.n() / 2),
        new_vectors_(&set.spare),
        background_(pg, "link_background", set.base),
        immediate_(pg, "link_immediate", set.base) {
    background_.Build(set.distance);
    immediate_.Build(set.distance, 2, ", sync = immediate");
  }

  void Print() {
    PrintHeading("Linking: hnsw_sync");
    const NoWorker no_worker(pg_);
    const NoPendingLimit no_limit(pg_);
    std::vector<double> ratios, linked, immediate;
    {
      const Pinning pinning(pg_->backend_pid());
      for (int round = 0; round < rounds_; round++) {
        const Vectors rows = new_vectors_.Next(small_);
        immediate.push_back(immediate_.Insert(rows).rate);
        background_.Copy(rows);
        linked.push_back(background_.Sync());
        ratios.push_back(linked.back() / immediate.back());
      }
    }
    PrintFigure(Format("backlog of %zu: rate / INSERT, sync = immediate", small_), Median(ratios),
                AtLeast(1), Format("%.0f / %.0f rows/s", Median(linked), Median(immediate)));
    background_.Copy(new_vectors_.Next(large_));
    const double bulk = background_.Sync();
    PrintFigure(Format("backlog of %zu: rate / INSERT, sync = immediate", large_),
                bulk / Median(immediate), AtLeast(2),
                Format("%.0f / %.0f rows/s", bulk, Median(immediate)));
  }

 private:
  PgSession* pg_;
  int rounds_;
  size_t small_, large_;
  NewVectors new_vectors_;
  Table background_, immediate_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_WRITE_LINKING_H_
