// How much WAL a row costs before it is linked. full_page_writes is off meanwhile: so images of old
// pages, whose number depends on when the last checkpoint was, are not written, but images of new
// pages, which is how they are logged, are.
#ifndef HNSWPG_BENCH_WRITE_WAL_H_
#define HNSWPG_BENCH_WRITE_WAL_H_

#include "figures.h"
#include "tables.h"

namespace hnswpg::tools {

class WalFigures {
 public:
  WalFigures(PgSession* pg, const WriteSet& set)
      : pg_(pg), dim_(set.base.dim), new_vectors_(&set.spare), table_(pg, "wal", set.base) {
    table_.Build(set.distance);
  }

  void Print() {
    PrintHeading("WAL, bytes a row");
    if (pg_->Value("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_walinspect'") ==
        "0") {
      std::printf("  # pg_walinspect is not installed: not measured\n");
      return;
    }
    pg_->Run("CREATE EXTENSION IF NOT EXISTS pg_walinspect WITH SCHEMA public");
    const NoWorker no_worker(pg_);
    const NoPendingLimit no_limit(pg_);
    const ServerSetting no_images(pg_, "full_page_writes", "off");
    const std::string start = Position();
    table_.Insert(new_vectors_.Next(kRows));
    const std::string end = Position();
    const double total = Bytes(start, end, "true");
    const double index =
        Bytes(start, end, "block_ref LIKE '%rel %/%/' || " + FileNumber() + " || ' %'");
    const double vector = 4.0 * static_cast<double>(dim_);
    PrintFigure("INSERT: records of the index", index, AtMost(vector * 1.25 + 200),
                Format("the vector has %.0f", vector), 0);
    PrintFigure("INSERT: table and transaction", total - index, NoTarget(), "", 0);
  }

 private:
  static constexpr size_t kRows = 2000;

  std::string FileNumber() { return "pg_relation_filenode('" + table_.index() + "')"; }
  // Behind all that has been written, and flushed so that it can be read. Not by a checkpoint,
  // which would let the server remove what is to be read.
  std::string Position() {
    pg_->Run(
        "BEGIN; SET LOCAL synchronous_commit = on; SELECT pg_logical_emit_message(true, 'bench', "
        "''); COMMIT");
    return "'" + pg_->Value("SELECT pg_current_wal_flush_lsn()") + "'";
  }
  double Bytes(const std::string& start, const std::string& end, const std::string& which) {
    return std::stod(
               pg_->Value("SELECT coalesce(sum(record_length), 0) FROM pg_get_wal_records_info(" +
                          start + ", " + end + ") WHERE " + which)) /
           kRows;
  }

  PgSession* pg_;
  size_t dim_;
  NewVectors new_vectors_;
  Table table_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_WRITE_WAL_H_
