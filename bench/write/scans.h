// What pending elements cost a scan: the same vectors in two tables, in one of which the last 1,000
// are not linked.
#ifndef HNSWPG_BENCH_WRITE_SCANS_H_
#define HNSWPG_BENCH_WRITE_SCANS_H_

#include "../measure.h"
#include "figures.h"
#include "tables.h"

namespace hnswpg::tools {

class ScanFigures {
 public:
  ScanFigures(PgSession* pg, const WriteSet& set, int rounds)
      : pg_(pg),
        rounds_(rounds),
        n_queries_(static_cast<double>(set.queries.n())),
        dim_(set.base.dim),
        added_(NewVectors(&set.spare).Next(kPending)),
        queries_(pg, set),
        linked_(pg, "scan_linked", set.base),
        pending_(pg, "scan_pending", set.base) {
    linked_.Build(set.distance);
    pending_.Build(set.distance);
  }

  void Print() {
    PrintHeading("Searches, CPU inside the server");
    const NoWorker no_worker(pg_);
    const NoPendingLimit no_limit(pg_);
    linked_.Copy(added_);
    linked_.Sync();
    pending_.Copy(added_);
    std::vector<double> ratios, linked, pending;
    const Pinning pinning(pg_->backend_pid());
    for (int round = -1; round < rounds_; round++) {
      const double without = TimeSearch(linked_), with = TimeSearch(pending_);
      if (round < 0) continue;  // caches were cold
      linked.push_back(without);
      pending.push_back(with);
      ratios.push_back(with / without);
    }
    // The work per pending element grows with the dimensions as that per visited one does, but
    // with few dimensions a search visits few: there is a target for many only.
    PrintFigure(Format("top 10, %zu pending: time / none pending", kPending), Median(ratios),
                dim_ >= 512 ? AtMost(2) : NoTarget(),
                Format("%.1f / %.1f us", Median(pending), Median(linked)));
  }

 private:
  static constexpr size_t kPending = 1000;

  double TimeSearch(const Table& table) {
    const std::string search = queries_.Search(table.name(), "sum(x.id)");
    return CpuSeconds(pg_->backend_pid(), [&] { pg_->Run(search); }) * 1e6 / n_queries_;
  }

  PgSession* pg_;
  int rounds_;
  double n_queries_;
  size_t dim_;
  Vectors added_;
  QueryTable queries_;
  Table linked_, pending_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_WRITE_SCANS_H_
