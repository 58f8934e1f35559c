// SET hnsw....: what a session says about its searches. pgvector's clients use
// the same names.
#include "hnswpg/am/am.h"

extern "C" {
#include "utils/guc.h"
}

namespace hnswpg {

int ef_search;
int iterative_scan;
int max_scan_tuples;

namespace {

const config_enum_entry kIterativeScanValues[] = {{"off", kIterativeOff, false},
                                                  {"relaxed_order", kIterativeRelaxed, false},
                                                  {"strict_order", kIterativeStrict, false},
                                                  {nullptr, 0, false}};

}  // namespace

void DefineSettings() {
  DefineCustomIntVariable("hnsw.ef_search", "Sets how many candidates a search keeps.",
                          "More find more of the true nearest neighbours and take longer.",
                          &ef_search, 40, 1, 100000, PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomEnumVariable(
      "hnsw.iterative_scan",
      "Sets whether a scan goes on when more rows than ef_search are wanted.",
      "strict_order: rows come in the order of their distance; relaxed_order: a row found late may "
      "come late; off: no more than hnsw.ef_search rows.",
      &iterative_scan, kIterativeStrict, kIterativeScanValues, PGC_USERSET, 0, nullptr, nullptr,
      nullptr);
  DefineCustomIntVariable(
      "hnsw.max_scan_tuples", "Sets after how many visited elements a scan does not go on.",
      "The first hnsw.ef_search candidates are searched for in any case.", &max_scan_tuples, 20000,
      1, PG_INT32_MAX, PGC_USERSET, 0, nullptr, nullptr, nullptr);
}

}  // namespace hnswpg
