// The module as the server loads it: in the postmaster, where it is preloaded; in every
// session, where session_preload_libraries names it; else in a process that calls one of
// its functions. Not every such process belongs to a database that has the extension.
#include "hnswpg/am/am.h"
#include "hnswpg/postgres/function.h"
#include "hnswpg/signal/worker_registry.h"

extern "C" {
#include "access/xact.h"
HNSWPG_EXPORT const Pg_magic_struct* Pg_magic_func(void);
PG_MODULE_MAGIC;
HNSWPG_EXPORT void _PG_init(void);
}

namespace hnswpg {
namespace {

void Prepare() {
  DefineOptions();
  DefineSettings();
  InstallPlanHook();
  InstallCatalogHook();
}

bool DatabaseHasExtension() { return IsTransactionState() && DatabaseHasOurs(); }

}  // namespace
}  // namespace hnswpg

void _PG_init(void) {
  using namespace hnswpg;
  // The server calls this again after an error in it.
  static bool prepared = false;
  if (!prepared) Prepare();
  prepared = true;
  if (process_shared_preload_libraries_in_progress) {
    ReserveRegistry();
    RegisterLauncher();
  } else if (DatabaseHasExtension()) {
    PrepareScanSettings();
  }
}
