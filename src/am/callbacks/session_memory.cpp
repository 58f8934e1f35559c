#include "am/callbacks/session_memory.h"

#include "hnswpg/storage/page/index.h"

extern "C" {
#include "utils/memutils.h"
}

namespace hnswpg {
namespace {

// The first block, which survives a reset: more than a usual search needs, or an
// insertion with its copies of four pages.
constexpr Size kKeptBytes = 256 * 1024;

// Two contexts: the outer one holds all that outlives a reset of the inner one.
LentMemory* Make(const char* name) {
  MemoryContext outer =
      AllocSetContextCreate(TopMemoryContext, "hnswpg kept", ALLOCSET_SMALL_SIZES);
  MemoryContextSetIdentifier(outer, name);
  LentMemory* lent = static_cast<LentMemory*>(MemoryContextAlloc(outer, sizeof(LentMemory)));
  lent->context = GenerationContextCreate(outer, name, kKeptBytes, kKeptBytes, 8 * kKeptBytes);
  new (&lent->visited) VisitedBits(ContextArena(outer));
  return lent;
}

void ReturnAtReset(void* arg) { ReturnMemory(static_cast<MemoryLoan*>(arg)); }

}  // namespace

void BorrowMemory(SessionMemory* from, MemoryLoan* loan) {
  loan->lent = from->spare ? from->spare : Make(from->name);
  loan->from = from;
  from->spare = nullptr;
  loan->callback.func = ReturnAtReset;
  loan->callback.arg = loan;
  MemoryContextRegisterResetCallback(CurrentMemoryContext, &loan->callback);
}

void ReturnMemory(MemoryLoan* loan) {
  LentMemory* lent = loan->lent;
  loan->lent = nullptr;
  if (lent == nullptr) return;
  if (loan->from->spare) {
    MemoryContextDelete(MemoryContextGetParent(lent->context));
  } else {
    MemoryContextReset(lent->context);
    loan->from->spare = lent;
  }
}

}  // namespace hnswpg
