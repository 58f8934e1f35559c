// Signals and waiting.
#include "worker/process.h"

extern "C" {
#include "libpq/pqsignal.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/wait_event.h"
}

namespace hnswpg {

void BeginProcess() {
  pqsignal(SIGTERM, die);
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  BackgroundWorkerUnblockSignals();
}

void HandleRequests() {
  // With nothing in hand there is nothing to be said about it; CHECK_FOR_INTERRUPTS
  // would report a fatal error, as it does in the middle of work.
  if (ProcDiePending) proc_exit(0);
  CHECK_FOR_INTERRUPTS();
  if (ConfigReloadPending) {
    ConfigReloadPending = false;
    ProcessConfigFile(PGC_SIGHUP);
  }
}

void WaitForLatch(long milliseconds) {
  if (milliseconds > 0) {
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds,
              PG_WAIT_EXTENSION);
  }
  ResetLatch(MyLatch);
}

}  // namespace hnswpg
