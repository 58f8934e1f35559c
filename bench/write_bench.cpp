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
#include <cstring>
#include <sstream>

#include "write/inserts.h"
#include "write/linking.h"
#include "write/mixed.h"
#include "write/scans.h"
#include "write/vacuuming.h"
#include "write/wal.h"

namespace {

using namespace hnswpg::tools;

struct Options {
  std::string base, query, metric = "l2";
  std::vector<size_t> generate;
  size_t count = 0;
  int rounds = 3;
  double seconds = 20;
  std::vector<std::string> only;

  bool Wants(const std::string& group) const {
    return only.empty() || std::find(only.begin(), only.end(), group) != only.end();
  }
};

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> items;
  std::istringstream stream(text);
  for (std::string item; std::getline(stream, item, ',');) items.push_back(item);
  return items;
}

Options ParseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i++) {
    const std::string name = argv[i];
    if (i + 1 == argc) Fail("no value for " + name);
    const std::string value = argv[++i];
    if (name == "--base")
      options.base = value;
    else if (name == "--query")
      options.query = value;
    else if (name == "--metric")
      options.metric = value;
    else if (name == "--generate")
      for (const std::string& number : Split(value)) options.generate.push_back(std::stoul(number));
    else if (name == "--count")
      options.count = std::stoul(value);
    else if (name == "--rounds")
      options.rounds = std::stoi(value);
    else if (name == "--seconds")
      options.seconds = std::stod(value);
    else if (name == "--only")
      options.only = Split(value);
    else
      Fail("unknown option " + name);
  }
  if (options.generate.size() != 3 && (options.base.empty() || options.query.empty())) {
    Fail("--base and --query, or --generate N,DIM,QUERIES, are needed");
  }
  return options;
}

WriteSet ReadSet(const Options& options) {
  WriteSet set;
  set.distance = ParseDistance(options.metric);
  if (!options.generate.empty()) {
    const size_t n = options.generate[0], dim = options.generate[1];
    set.base = Generate(n, dim, 1, 0);
    set.queries = Generate(options.generate[2], dim, 1, 1);
    set.spare = Generate(n, dim, 1, 2);
    return set;
  }
  set.base = ReadRows<float>(options.base);
  set.queries = ReadRows<float>(options.query);
  const size_t all = set.base.n();
  const size_t n = options.count != 0 ? options.count : all - all / 10;
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
  if (options.Wants("insert")) InsertFigures(pg, set, options.rounds).Print();
  if (options.Wants("wal")) WalFigures(pg, set).Print();
  if (options.Wants("link")) LinkingFigures(pg, set, options.rounds).Print();
  if (options.Wants("scan")) ScanFigures(pg, set, 2 * options.rounds + 1).Print();
  if (options.Wants("vacuum")) VacuumFigures(pg, set, (options.rounds + 1) / 2).Print();
  if (options.Wants("mixed")) MixedFigures(pg, set, options.seconds).Print();
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const Options options = ParseOptions(argc, argv);
  const WriteSet set = ReadSet(options);
  std::printf("  %zu vectors of %zu dimensions, %zu queries\n", set.base.n(), set.base.dim,
              set.queries.n());
  PgSession pg;
  SetUpServer(&pg);
  PrintAll(options, set, &pg);
  pg.Run("DROP SCHEMA hnswpg_bench CASCADE");
  return 0;
}
