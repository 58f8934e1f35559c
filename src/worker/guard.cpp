// One transaction, and what happens after an error in it.
#include "worker/guard.h"

extern "C" {
#include "access/xact.h"
#include "common/hashfn.h"
#include "pgstat.h"
}

namespace hnswpg {
namespace {

uint32 HashOf(const char* text) {
  const int length = static_cast<int>(strlen(text));
  return 1 | hash_bytes(reinterpret_cast<const unsigned char*>(text), length);
}

// The error is at the top of the server's stack of errors, and is taken off it.
void ReportOnce(uint32* last_error) {
  ErrorData* error = CopyErrorData();
  const uint32 hash = HashOf(error->message);
  if (hash != *last_error) EmitErrorReport();
  FlushErrorState();
  if (hash == *last_error) {
    ereport(DEBUG1, (errmsg_internal("hnswpg worker: again: %s", error->message)));
  }
  *last_error = hash;
  FreeErrorData(error);
}

}  // namespace

bool RunInTransaction(void (*work)(void* arg), void* arg, uint32* last_error) {
  MemoryContext context = CurrentMemoryContext;
  volatile bool done = false;
  PG_TRY();
  {
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    work(arg);
    CommitTransactionCommand();
    done = true;
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(context);
    ReportOnce(last_error);
    AbortOutOfAnyTransaction();
  }
  PG_END_TRY();
  MemoryContextSwitchTo(context);
  pgstat_report_stat(true);
  return done;
}

}  // namespace hnswpg
