// One contestant in the server, measured from outside as it is told; see commands.h.
//
//   pg_bench --extension hnswpg|vector --base FILE --query FILE --answers FILE --metric l2|cos
//            [--count N]
//
// The environment (PGHOST, PGDATABASE, ...) names a database that is this program's alone. Commands
// and what they answer:
//   sql sql=TEXT                                rows
//   load                                        n, dim, queries, table (bytes)
//   build, memory                               server/builds.h
//   recall, client, inside, two ef=N, fresh     server/searches.h
//   blocks ef=N                                 server/blocks.h
//   prepare_writes, insert rows=N, vacuum       server/writes.h
//   disconnect                                  closes all connections: the server may stop
#include "commands.h"
#include "server/blocks.h"
#include "server/builds.h"
#include "server/searches.h"
#include "server/writes.h"

namespace {

using namespace hnswpg::tools;

class PgBench {
 public:
  PgBench(const std::string& extension, const BenchSet& set) : contestant_(extension, set) {}

  void Load(Json* answer) {
    PgSession pg;
    contestant_.Load(&pg);
    const BenchSet& set = contestant_.set();
    answer->Add("n", static_cast<double>(set.base.n()));
    answer->Add("dim", static_cast<double>(set.base.dim));
    answer->Add("queries", static_cast<double>(set.queries.n()));
    answer->Add("table", std::stod(pg.Value("SELECT pg_table_size('base')")));
  }
  static void Sql(const std::string& sql, Json* answer) {
    PgSession pg;
    answer->Add("rows", pg.Rows(sql));
  }
  const Contestant& contestant() const { return contestant_; }
  // Connections that stay open from one command to the next.
  SearchFigures* searches() {
    if (!searches_) searches_ = std::make_unique<SearchFigures>(contestant_);
    return searches_.get();
  }
  WriteFigures* writes() {
    if (!writes_) writes_ = std::make_unique<WriteFigures>(contestant_);
    return writes_.get();
  }
  void Disconnect() {
    searches_.reset();
    writes_.reset();
  }

 private:
  Contestant contestant_;
  std::unique_ptr<SearchFigures> searches_;
  std::unique_ptr<WriteFigures> writes_;
};

std::map<std::string, Command> CommandsOf(PgBench* bench) {
  return {
      {"sql", [](const Options& w, Json* a) { PgBench::Sql(w.Text("sql"), a); }},
      {"load", [=](const Options&, Json* a) { bench->Load(a); }},
      {"build", [=](const Options& w, Json* a) { Build(bench->contestant(), w, a); }},
      {"memory", [=](const Options&, Json* a) { AskForMemory(bench->contestant(), a); }},
      {"recall", [=](const Options& w, Json* a) { bench->searches()->MeasureRecall(w, a); }},
      {"client", [=](const Options& w, Json* a) { bench->searches()->TimeClient(w, a); }},
      {"inside", [=](const Options& w, Json* a) { bench->searches()->TimeInside(w, a); }},
      {"two", [=](const Options& w, Json* a) { bench->searches()->TimeTwo(w, a); }},
      {"fresh", [=](const Options& w, Json* a) { TimeFresh(bench->contestant(), w, a); }},
      {"blocks", [=](const Options& w, Json* a) { CountBlocks(bench->contestant(), w, a); }},
      {"prepare_writes", [=](const Options& w, Json* a) { bench->writes()->Prepare(w, a); }},
      {"insert", [=](const Options& w, Json* a) { bench->writes()->Insert(w, a); }},
      {"vacuum", [=](const Options&, Json* a) { bench->writes()->Vacuum(a); }},
      {"disconnect", [=](const Options&, Json*) { bench->Disconnect(); }},
  };
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv, BenchSetOptions({"extension"}));
  const BenchSet set = ReadBenchSet(options);
  PgBench bench(options.Text("extension", "hnswpg"), set);
  ServeCommands(CommandsOf(&bench));
  return 0;
}
