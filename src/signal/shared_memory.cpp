// The server raises an error where shared memory is short, or where a structure has
// another size than the one that is asked for. Those who ask here can do without, so
// the error is caught. No transaction has to be rolled back for that: the server has
// let go of its own lock before it raises, and nothing else was begun.
#include "signal/shared_memory.h"

extern "C" {
#include "storage/lwlock.h"
#include "storage/shmem.h"
}

namespace hnswpg {
namespace {

// The lock is held. Null after an error, which is in *error then.
SharedHead* InitUnlessShort(const SharedStructure& structure, ErrorData** error) {
  MemoryContext context = CurrentMemoryContext;
  // An error lets interrupts in, and the lock that is held still counts on them being out.
  const uint32 holdoff = InterruptHoldoffCount;
  SharedHead* volatile head = nullptr;
  PG_TRY();
  {
    bool found;
    head = static_cast<SharedHead*>(ShmemInitStruct(structure.name, structure.bytes, &found));
    if (!found) {
      structure.init(head);
      strlcpy(head->layout, structure.layout, sizeof(head->layout));
    }
  }
  PG_CATCH();
  {
    InterruptHoldoffCount = holdoff;
    MemoryContextSwitchTo(context);
    *error = CopyErrorData();
    FlushErrorState();
  }
  PG_END_TRY();
  return head;
}

bool IsFirstTime() {
  static bool said = false;
  const bool first = !said;
  said = true;
  return first;
}

void SayShort(const ErrorData& error) {
  ereport(LOG, (errcode(ERRCODE_OUT_OF_MEMORY),
                errmsg("there is no hnswpg worker for what this session inserts"),
                errdetail("%s.", error.message),
                errhint("A server with hnswpg in shared_preload_libraries sets the memory aside "
                        "when it starts.")));
}

void SayForeign() {
  ereport(LOG, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                errmsg("there is no hnswpg worker for what this session inserts"),
                errdetail("The server's memory is that of another version of hnswpg."),
                errhint("Restart the server.")));
}

}  // namespace

SharedHead* AttachShared(const SharedStructure& structure) {
  ErrorData* error = nullptr;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  SharedHead* head = InitUnlessShort(structure, &error);
  const bool foreign = head && strcmp(head->layout, structure.layout) != 0;
  LWLockRelease(AddinShmemInitLock);
  if (head && !foreign) return head;
  if (IsFirstTime()) {
    // Of another size is another version's too.
    if (error && error->sqlerrcode == ERRCODE_OUT_OF_MEMORY) {
      SayShort(*error);
    } else {
      SayForeign();
    }
  }
  if (error) FreeErrorData(error);
  return nullptr;
}

}  // namespace hnswpg
