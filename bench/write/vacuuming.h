// VACUUM and hnsw_cleanup after every fifth row was deleted, against a serial build of the index,
// and what becomes of the recall.
//
// VACUUM's time for the index is that of the table with it less that of an equal table without it.
// The heap's second pass, which only a table with an index needs, is counted as the index's.
#ifndef HNSWPG_BENCH_WRITE_VACUUMING_H_
#define HNSWPG_BENCH_WRITE_VACUUMING_H_

#include "../measure.h"
#include "figures.h"
#include "tables.h"

namespace hnswpg::tools {

class VacuumFigures {
 public:
  VacuumFigures(PgSession* pg, const WriteSet& set, int rounds)
      : pg_(pg), set_(set), rounds_(rounds), queries_(pg, set) {
    std::vector<bool> kept(set.base.n());
    for (size_t i = 0; i < kept.size(); i++) kept[i] = i % 5 != 0;
    answers_ = ExactAnswers(set.base, set.queries, set.distance, kNearest, kept);
  }

  void Print() {
    PrintHeading("VACUUM after deleting 20%");
    const NoWorker no_worker(pg_);
    for (int round = 0; round < rounds_; round++) MeasureRound();
    PrintFigure("serial build / VACUUM of the index", Median(vacuum_ratios_), AtLeast(10),
                Format("%.2f / %.3f s", Median(build_), Median(vacuum_)));
    PrintFigure(
        "hnsw_cleanup / serial build", Median(cleanup_ratios_), AtMost(0.5),
        Format("%.2f / %.2f s, %s slots freed", Median(cleanup_), Median(build_), freed_.c_str()));
    const double fresh = Median(recall_fresh_);
    const auto print = [&](const char* what, const std::vector<double>& recall) {
      PrintFigure(Format("recall@10 of a fresh build less that %s", what), fresh - Median(recall),
                  AtMost(0.01), Format("%.4f - %.4f", fresh, Median(recall)), 4);
    };
    print("after VACUUM", recall_marked_);
    print("after hnsw_cleanup", recall_cleaned_);
  }

 private:
  void MeasureRound() {
    Table with(pg_, "vacuum_with", set_.base), without(pg_, "vacuum_without", set_.base);
    build_.push_back(with.Build(set_.distance, 1));
    for (const Table* table : {&with, &without}) {
      pg_->Run("DELETE FROM " + table->name() + " WHERE id % 5 = 0");
      pg_->Run("CHECKPOINT");
    }
    const double without_seconds = Vacuum(without);
    vacuum_.push_back(std::max(Vacuum(with) - without_seconds, 1e-6));
    recall_marked_.push_back(MeasureRecall(with));
    cleanup_.push_back(
        Seconds([&] { freed_ = pg_->Value("SELECT hnsw_cleanup('" + with.index() + "')"); }));
    recall_cleaned_.push_back(MeasureRecall(with));
    vacuum_ratios_.push_back(build_.back() / vacuum_.back());
    cleanup_ratios_.push_back(cleanup_.back() / build_.back());
    with.Build(set_.distance, 1);
    recall_fresh_.push_back(MeasureRecall(with));
  }

  double Vacuum(const Table& table) {
    return Seconds([&] { pg_->Run("VACUUM (INDEX_CLEANUP on) " + table.name()); });
  }

  double MeasureRecall(const Table& table) {
    std::vector<std::vector<int32_t>> found(set_.queries.n());
    for (const auto& [q, id] : pg_->Pairs(queries_.Search(table.name(), "query.id, x.id"))) {
      found[q].push_back(id);
    }
    return Recall(answers_, found, kNearest);
  }

  PgSession* pg_;
  const WriteSet& set_;
  int rounds_;
  QueryTable queries_;
  Answers answers_;
  std::string freed_;  // by the last hnsw_cleanup
  std::vector<double> build_, vacuum_, cleanup_, vacuum_ratios_, cleanup_ratios_;
  std::vector<double> recall_marked_, recall_cleaned_, recall_fresh_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_WRITE_VACUUMING_H_
