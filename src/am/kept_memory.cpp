#include "hnswpg/am/kept_memory.h"

#include "hnswpg/storage/index.h"

extern "C" {
#include "utils/memutils.h"
}

namespace hnswpg {
namespace {

// The first block, which survives a reset: more than a usual search needs, or an
// insertion with its copies of four pages.
constexpr Size kKeptBytes = 256 * 1024;

// Two contexts: the outer one holds all that outlives a reset of the inner one.
Kept* Make(const char* name) {
  MemoryContext outer =
      AllocSetContextCreate(TopMemoryContext, "hnswpg kept", ALLOCSET_SMALL_SIZES);
  MemoryContextSetIdentifier(outer, name);
  Kept* kept = static_cast<Kept*>(MemoryContextAlloc(outer, sizeof(Kept)));
  kept->context = GenerationContextCreate(outer, name, kKeptBytes, kKeptBytes, 8 * kKeptBytes);
  new (&kept->visited) VisitedBits(ContextArena(outer));
  return kept;
}

void ReturnAtReset(void* arg) { ReturnMemory(static_cast<MemoryLoan*>(arg)); }

}  // namespace

void BorrowMemory(KeptMemory* from, MemoryLoan* loan) {
  loan->kept = from->spare ? from->spare : Make(from->name);
  loan->from = from;
  from->spare = nullptr;
  loan->callback.func = ReturnAtReset;
  loan->callback.arg = loan;
  MemoryContextRegisterResetCallback(CurrentMemoryContext, &loan->callback);
}

void ReturnMemory(MemoryLoan* loan) {
  Kept* kept = loan->kept;
  loan->kept = nullptr;
  if (kept == nullptr) return;
  if (loan->from->spare) {
    MemoryContextDelete(MemoryContextGetParent(kept->context));
  } else {
    MemoryContextReset(kept->context);
    loan->from->spare = kept;
  }
}

}  // namespace hnswpg
