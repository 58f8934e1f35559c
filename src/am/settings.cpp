// SET hnsw....: what a session says about its searches (pgvector's clients use the
// same names) and insertions, and what the server says to the background worker.
#include "hnswpg/am/am.h"
#include "hnswpg/storage/announce.h"

extern "C" {
#include "utils/guc.h"
}

namespace hnswpg {

int ef_search;
int iterative_scan;
int max_scan_tuples;
int pending_limit;
bool startup_sync;
double cleanup_threshold;

namespace {

const config_enum_entry kIterativeScanValues[] = {{"off", kIterativeOff, false},
                                                  {"relaxed_order", kIterativeRelaxed, false},
                                                  {"strict_order", kIterativeStrict, false},
                                                  {nullptr, 0, false}};

void DefineScanSettings() {
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

void DefineWriteSettings() {
  DefineCustomIntVariable(
      "hnsw.pending_limit", "Sets how many elements may wait for being linked into the graph.",
      "Every search looks at each of them. Beyond the limit an insertion links "
      "some before it returns.",
      &pending_limit, 1000, 0, PG_INT32_MAX, PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable(
      "hnsw.sync_interval", "Sets how often the background worker looks for work unasked.",
      "It also stops after that time without work. 0: there is no worker; hnsw_sync and "
      "hnsw_cleanup do its work.",
      &sync_interval, 10, 0, 86400, PGC_SIGHUP, GUC_UNIT_S, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable(
      "hnsw.startup_sync",
      "Sets whether a server that preloads hnswpg links what is pending when it starts.",
      "Else each database's worker waits for the first insertion.", &startup_sync, true, PGC_SIGHUP,
      0, nullptr, nullptr, nullptr);
  DefineCustomRealVariable(
      "hnsw.cleanup_threshold",
      "Sets which part of an index's elements must be dead for the worker to remove them.", nullptr,
      &cleanup_threshold, 0.1, 0.0, 1.0, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
}

}  // namespace

void DefineSettings() {
  DefineScanSettings();
  DefineWriteSettings();
}

}  // namespace hnswpg
