#include "hnswpg/am/kept_memory.h"

extern "C" {
#include "utils/memutils.h"
}

namespace hnswpg {
namespace {

// The first block, which survives a reset: more than a usual search needs, or an
// insertion with its copies of four pages.
constexpr Size kKeptBytes = 256 * 1024;

void ReturnAtReset(void* arg) { ReturnMemory(static_cast<MemoryLoan*>(arg)); }

}  // namespace

void BorrowMemory(KeptMemory* from, MemoryLoan* loan) {
  MemoryContext context = from->spare;
  from->spare = nullptr;
  if (context == nullptr) {
    context = GenerationContextCreate(TopMemoryContext, from->name, kKeptBytes, kKeptBytes,
                                      8 * kKeptBytes);
  }
  loan->context = context;
  loan->from = from;
  loan->callback.func = ReturnAtReset;
  loan->callback.arg = loan;
  MemoryContextRegisterResetCallback(CurrentMemoryContext, &loan->callback);
}

void ReturnMemory(MemoryLoan* loan) {
  MemoryContext context = loan->context;
  loan->context = nullptr;
  if (context == nullptr) return;
  if (loan->from->spare) {
    MemoryContextDelete(context);
  } else {
    MemoryContextReset(context);
    loan->from->spare = context;
  }
}

}  // namespace hnswpg
