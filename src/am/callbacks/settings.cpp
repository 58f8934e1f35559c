// SET hnsw....: what a session says about its searches and insertions, and what the
// server says to the background worker.
//
// The settings of searches have the names that pgvector's clients use. The server lets a
// name be defined once in a process, and pgvector's library defines them when it is
// loaded. So this module does that in no process that may belong to a database with
// pgvector: not in the postmaster, which preloads it and whose children inherit what it
// has defined, but where a process first uses the access method. What was SET before is
// a placeholder of the server's, whose value is taken over then.
#include "am/callbacks/pgvector.h"
#include "hnswpg/am/am.h"
#include "hnswpg/signal/announce_work.h"
#include "hnswpg/storage/search/options.h"

extern "C" {
#include "access/xact.h"
#include "utils/guc.h"
}

namespace hnswpg {

int ef_search = 40;
int iterative_scan = static_cast<int>(FurtherRounds::kStrict);
int max_scan_tuples = 20000;
double scan_mem_multiplier = 1;
int pending_limit;
bool startup_sync;
double cleanup_threshold;

namespace {

const config_enum_entry kIterativeScanValues[] = {
    {"off", static_cast<int>(FurtherRounds::kNone), false},
    {"relaxed_order", static_cast<int>(FurtherRounds::kRelaxed), false},
    {"strict_order", static_cast<int>(FurtherRounds::kStrict), false},
    {nullptr, 0, false}};

constexpr int kMaxEfSearch = 100000;
constexpr double kMaxMemMultiplier = 1000;

constexpr const char* kScanSettings[] = {"hnsw.ef_search", "hnsw.iterative_scan",
                                         "hnsw.max_scan_tuples", "hnsw.scan_mem_multiplier"};

void DefineScanSettings() {
  DefineCustomIntVariable("hnsw.ef_search", "Sets how many candidates a search keeps.",
                          "More find more of the true nearest neighbours and take longer.",
                          &ef_search, 40, 1, kMaxEfSearch, PGC_USERSET, 0, nullptr, nullptr,
                          nullptr);
  DefineCustomEnumVariable(
      "hnsw.iterative_scan",
      "Sets whether a scan goes on when more rows than ef_search are wanted.",
      "strict_order: rows come in the order of their distance; relaxed_order: a row found late may "
      "come late; off: no more than hnsw.ef_search rows.",
      &iterative_scan, static_cast<int>(FurtherRounds::kStrict), kIterativeScanValues, PGC_USERSET,
      0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable(
      "hnsw.max_scan_tuples", "Sets after how many visited elements a scan does not go on.",
      "The first hnsw.ef_search candidates are searched for in any case.", &max_scan_tuples, 20000,
      1, PG_INT32_MAX, PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomRealVariable("hnsw.scan_mem_multiplier",
                           "Sets after how much memory, as a multiple of work_mem, a scan does not "
                           "go on.",
                           "The first hnsw.ef_search candidates are searched for in any case.",
                           &scan_mem_multiplier, 1, 1, kMaxMemMultiplier, PGC_USERSET, 0, nullptr,
                           nullptr, nullptr);
  // All of them are defined by now, so any other name is misspelt.
  MarkGUCPrefixReserved("hnsw");
}

bool IsPlaceholder(const char* name) {
  return (GetConfigOptionFlags(name, true) & GUC_CUSTOM_PLACEHOLDER) != 0;
}

bool IsDefined(const char* name) {
  return GetConfigOption(name, true, false) != nullptr && !IsPlaceholder(name);
}

bool AnyWasSet() {
  for (const char* name : kScanSettings) {
    if (IsPlaceholder(name)) return true;
  }
  return false;
}

void ReadInt(const char* name, int otherwise, int max, int* value) {
  const char* text = GetConfigOption(name, true, false);
  if (!text || !parse_int(text, value, 0, nullptr) || *value < 1 || *value > max) {
    *value = otherwise;
  }
}

void ReadMemMultiplier() {
  const char* text = GetConfigOption("hnsw.scan_mem_multiplier", true, false);
  double* value = &scan_mem_multiplier;
  if (!text || !parse_real(text, value, 0, nullptr) || !(*value >= 1) ||
      *value > kMaxMemMultiplier) {
    *value = 1;
  }
}

void ReadIterativeScan() {
  const char* text = GetConfigOption("hnsw.iterative_scan", true, false);
  iterative_scan = static_cast<int>(FurtherRounds::kStrict);
  for (const config_enum_entry* entry = kIterativeScanValues; text && entry->name; entry++) {
    if (pg_strcasecmp(entry->name, text) == 0) iterative_scan = entry->val;
  }
}

void ReadPlaceholders() {
  ReadInt("hnsw.ef_search", 40, kMaxEfSearch, &ef_search);
  ReadInt("hnsw.max_scan_tuples", 20000, PG_INT32_MAX, &max_scan_tuples);
  ReadMemMultiplier();
  ReadIterativeScan();
}

}  // namespace

void DefineSettings() {
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

// To define a setting that was SET before is to set it, which the server does not let a
// process do during a parallel operation. Then the values are read as they are, for each
// scan anew: a function may have settings of its own.
void PrepareScanSettings() {
  static bool defined = false;
  if (defined) return;
  for (const char* name : kScanSettings) {
    if (!IsDefined(name)) continue;
    if (IsTransactionState()) CheckNoPgvector();
    RaiseBesidePgvector(name);
  }
  if (IsInParallelMode() && AnyWasSet()) {
    ReadPlaceholders();
    return;
  }
  DefineScanSettings();
  defined = true;
}

}  // namespace hnswpg
