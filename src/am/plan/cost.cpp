// amcostestimate: what a search costs, in the planner's units.
//
// The walk happens before the first row comes out, so it is start-up cost: it
// measures a number of elements that grows with ef_search and with the logarithm
// of the index's size, and each costs about what an operator of the executor
// costs, plus its share of a page that is usually in memory. Rows after that are
// nearly free until ef_search of them are used up; then the walk goes on for as
// many again. The whole index costs more than a sort, so a query that wants
// every row does not come here.
#include "hnswpg/am/am.h"

extern "C" {
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/float.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"
}

#include <algorithm>
#include <cmath>

namespace hnswpg {
namespace {

// Elements measured by one search with ef candidates, found on real sets of 128
// and 768 dimensions: each candidate that is expanded shows m / 2 new elements or
// so, more of them in a large graph.
double ElementsMeasured(const Meta& meta, double rows, double ef) {
  const double levels = std::log(std::max(rows, 2.0)) / std::log(static_cast<double>(meta.m));
  const double measured = (levels + 0.5 * ef) * meta.m;
  return std::min(measured, rows);
}

}  // namespace

void hnswcostestimate(PlannerInfo* root, IndexPath* path, double loop_count, Cost* startup,
                      Cost* total, Selectivity* selectivity, double* correlation, double* pages) {
  // Without an ORDER BY that it can serve, the index is of no use.
  if (path->indexorderbys == NIL) {
    compat::DisablePath(&path->path);
    *startup = *total = get_float8_infinity();
    *selectivity = 0;
    *correlation = 0;
    *pages = 0;
    return;
  }
  PrepareScanSettings();
  GenericCosts costs{};
  genericcostestimate(root, path, loop_count, &costs);

  Relation rel = index_open(path->indexinfo->indexoid, NoLock);
  const Meta meta = OpenIndex(rel).meta;
  index_close(rel, NoLock);

  const double rows = std::max(1.0, path->indexinfo->tuples);
  const double measured = ElementsMeasured(meta, rows, ef_search);
  double random_page_cost;
  get_tablespace_page_costs(path->indexinfo->reltablespace, &random_page_cost, nullptr);
  const double index_pages = std::max<double>(1.0, path->indexinfo->pages);
  // Upper bound of what may have to be read: a page an element, all pages at most.
  // Most of them are in memory when searches are frequent.
  constexpr double kReadFraction = 0.02;
  const double read = std::min(measured, index_pages) * kReadFraction * random_page_cost;
  *startup = costs.indexStartupCost + measured * cpu_operator_cost + read;
  // Emitting everything means walking everything, at the price of a walk for
  // every ef_search rows.
  const double rounds = std::ceil(rows / ef_search);
  *total = std::max(costs.indexTotalCost, 0.0) + *startup * std::max(1.0, rounds);
  *selectivity = costs.indexSelectivity;
  *correlation = 0;
  *pages = costs.numIndexPages;
}

}  // namespace hnswpg
