// What writing costs: inserting, linking, searching meanwhile, vacuuming. Every figure is a ratio
// of two things measured in one run, or a count; bench/write/ has a file for each group of them.
//
//   write_bench --base FILE --query FILE --metric l2|cos ...
//   write_bench --generate N,DIM,QUERIES --metric l2|cos ...
//     --count N        rows that tables begin with (9/10 of the file; the rest is inserted)
//     --rounds N       of what is repeated; medians count (3)
//     --seconds N      of the mixed load (20)
//     --only A,B,...   of insert, wal, link, scan, vacuum, mixed
//
// The environment names the server (PGHOST, ...), of which one must be superuser: settings are
// changed (ALTER SYSTEM) and set back. What is made there lies in the schema hnswpg_bench. Prints
// tables; bench/README.md says how to read them.
#include "options.h"
#include "write/inserts.h"
#include "write/linking.h"
#include "write/mixed.h"
#include "write/scans.h"
#include "write/vacuuming.h"
#include "write/wal.h"

namespace {

using namespace hnswpg::tools;

WriteSet ReadSet(const Options& options) {
  WriteSet set;
  set.distance = ParseDistance(options.Text("metric", "l2"));
  const std::vector<size_t> generate = options.Counts("generate");
  if (generate.size() == 3) {
    const size_t n = generate[0], dim = generate[1];
    set.base = Generate(n, dim, 1, 0);
    set.queries = Generate(generate[2], dim, 1, 1);
    set.spare = Generate(n, dim, 1, 2);
    return set;
  }
  if (!options.Has("base") || !options.Has("query")) {
    Fail("--base and --query, or --generate N,DIM,QUERIES, are needed");
  }
  set.base = ReadRows<float>(options.Text("base"));
  set.queries = ReadRows<float>(options.Text("query"));
  const size_t all = set.base.n();
  const size_t n = options.Count("count", all - all / 10);
  if (n >= all) Fail("the file has no vectors left to insert");
  set.spare.dim = set.base.dim;
  set.spare.values.assign(set.base.row(n), set.base.row(all - 1) + set.base.dim);
  set.base.Truncate(n);
  return set;
}

void SetUpServer(PgSession* pg) {
  pg->Run("CREATE EXTENSION IF NOT EXISTS hnswpg");
  pg->Run("DROP SCHEMA IF EXISTS hnswpg_bench CASCADE; CREATE SCHEMA hnswpg_bench");
  SetUpSession(pg);
}

void PrintAll(const Options& options, const WriteSet& set, PgSession* pg) {
  const std::vector<std::string> only = options.List("only");
  const auto wants = [&only](const char* group) {
    return only.empty() || std::find(only.begin(), only.end(), group) != only.end();
  };
  const int rounds = static_cast<int>(options.Count("rounds", 3));
  if (wants("insert")) InsertFigures(pg, set, rounds).Print();
  if (wants("wal")) WalFigures(pg, set).Print();
  if (wants("link")) LinkingFigures(pg, set, rounds).Print();
  if (wants("scan")) ScanFigures(pg, set, 2 * rounds + 1).Print();
  if (wants("vacuum")) VacuumFigures(pg, set, (rounds + 1) / 2).Print();
  if (wants("mixed")) MixedFigures(pg, set, options.Number("seconds", 20)).Print();
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const Options options(
      argc, argv, {"base", "query", "metric", "generate", "count", "rounds", "seconds", "only"});
  const WriteSet set = ReadSet(options);
  std::printf("  %zu vectors of %zu dimensions, %zu queries\n", set.base.n(), set.base.dim,
              set.queries.n());
  PgSession pg;
  SetUpServer(&pg);
  PrintAll(options, set, &pg);
  pg.Run("DROP SCHEMA hnswpg_bench CASCADE");
  return 0;
}
