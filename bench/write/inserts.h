// How fast single rows are inserted: prepared statement, binary parameters, one transaction a row,
// synchronous_commit off.
//
// A burst is what fits below hnsw.pending_limit: nothing has to be linked meanwhile. Sustained is
// several times the limit, so that most of it is linked before the last row is in.
//
// Client and backend share one core, so that no time goes into waking each other up; the worker may
// use the others. That is the harder comparison, since waking up costs the table without index as
// much. One group of figures has them on any core, as most clients are.
#ifndef HNSWPG_BENCH_WRITE_INSERTS_H_
#define HNSWPG_BENCH_WRITE_INSERTS_H_

#include "../measure.h"
#include "figures.h"
#include "tables.h"

namespace hnswpg::tools {

class InsertFigures {
 public:
  InsertFigures(PgSession* pg, const WriteSet& set, int rounds)
      : pg_(pg),
        set_(set),
        rounds_(rounds),
        new_vectors_(&set.spare),
        limit_(PendingLimit(pg)),
        burst_(limit_ - limit_ / 10),
        plain_(pg, "insert_plain", set.base),
        background_(pg, "insert_background", set.base),
        immediate_(pg, "insert_immediate", set.base) {
    background_.Build(set.distance);
    immediate_.Build(set.distance, 2, ", sync = immediate");
  }

  void Print() {
    PrintHeading("Single-row INSERT");
    PrintBurst("worker", /*pinned*/ true);
    PrintSustained("worker");
    PrintBurst("worker, any core", /*pinned*/ false);
    const NoWorker no_worker(pg_);
    PrintBurst("no worker", /*pinned*/ true);
    PrintSustained("no worker");
  }

 private:
  // Into one kind of table, one value a round.
  struct Speeds {
    std::vector<double> rates, cpu;
    void Add(const Table::InsertSpeed& speed) {
      rates.push_back(speed.rate);
      cpu.push_back(speed.cpu);
    }
  };
  struct Rounds {
    Speeds plain, background, immediate, small;
  };

  static void PrintRatio(const std::string& what, const Speeds& a, const Speeds& b, Target target) {
    std::vector<double> ratios;
    for (size_t i = 0; i < a.rates.size(); i++) ratios.push_back(a.rates[i] / b.rates[i]);
    PrintFigure(what, Median(ratios), target,
                Format("%.0f / %.0f rows/s, CPU %.0f / %.0f us", Median(a.rates), Median(b.rates),
                       Median(a.cpu), Median(b.cpu)));
  }

  void MeasureRound(size_t n, Rounds* all) {
    const Vectors rows = new_vectors_.Next(n);
    all->plain.Add(plain_.Insert(rows));
    all->background.Add(background_.Insert(rows));
    background_.Sync();
    all->immediate.Add(immediate_.Insert(FirstRows(rows, limit_ / 2)));
  }

  // The same into an index of 1,000 rows.
  Table::InsertSpeed InsertIntoSmall(size_t n) {
    Table small(pg_, "insert_small", FirstRows(set_.base, 1000));
    small.Build(set_.distance);
    small.Insert(new_vectors_.Next(20));  // what a new table and a new plan cost once
    small.Sync();
    return small.Insert(new_vectors_.Next(n));
  }

  Rounds MeasureBurst() {
    Rounds all;
    for (int round = 0; round < rounds_; round++) {
      MeasureRound(burst_, &all);
      all.small.Add(InsertIntoSmall(burst_));
    }
    return all;
  }

  Rounds MeasureSustained(size_t n) {
    Rounds all;
    for (int round = 0; round < (rounds_ + 1) / 2; round++) MeasureRound(n, &all);
    return all;
  }

  // What `measure` returns with client and backend on one core.
  template <class Body>
  Rounds Pinned(Body measure) {
    const Pinning pinning(pg_->backend_pid());
    return measure();
  }

  void PrintBurst(const std::string& mode, bool pinned) {
    const auto measure = [this] { return MeasureBurst(); };
    const Rounds all = pinned ? Pinned(measure) : measure();
    const std::string prefix = Format("burst of %zu, %s: rate / ", burst_, mode.c_str());
    PrintRatio(prefix + "without index", all.background, all.plain, AtLeast(0.5));
    PrintRatio(prefix + "sync = immediate", all.background, all.immediate, AtLeast(4));
    PrintRatio(prefix + "with 1,000 rows", all.background, all.small, AtLeast(0.9));
  }

  void PrintSustained(const std::string& mode) {
    const size_t n = 5 * limit_;
    const Rounds all = Pinned([this, n] { return MeasureSustained(n); });
    const std::string prefix = Format("sustained, %zu, %s: rate / ", n, mode.c_str());
    PrintRatio(prefix + "without index", all.background, all.plain, NoTarget());
    PrintRatio(prefix + "sync = immediate", all.background, all.immediate, NoTarget());
  }

  PgSession* pg_;
  const WriteSet& set_;
  int rounds_;
  NewVectors new_vectors_;
  size_t limit_, burst_;
  Table plain_, background_, immediate_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_WRITE_INSERTS_H_
