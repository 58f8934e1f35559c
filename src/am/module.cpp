// The module as the server loads it.
#include "hnswpg/am/am.h"
#include "hnswpg/storage/worker_slot.h"
#include "hnswpg/type/function.h"

extern "C" {
HNSWPG_EXPORT const Pg_magic_struct* Pg_magic_func(void);
PG_MODULE_MAGIC;
HNSWPG_EXPORT void _PG_init(void);
}

void _PG_init(void) {
  hnswpg::DefineOptions();
  hnswpg::DefineSettings();
  hnswpg::InstallPlanHook();
  if (process_shared_preload_libraries_in_progress) {
    hnswpg::ReserveRegistry();
    hnswpg::RegisterLauncher();
  }
}
