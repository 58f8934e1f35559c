// Memory that one command or scan uses and the session keeps for the next: what a
// search or an insertion takes comes in pieces that malloc would return to the system
// each time, to fetch them anew, page by page, a moment later.
#ifndef HNSWPG_AM_KEPT_MEMORY_H_
#define HNSWPG_AM_KEPT_MEMORY_H_

#include "hnswpg/storage/server.h"

namespace hnswpg {

// One for each purpose, static. Several loans at a time are possible; one context is
// kept.
struct KeptMemory {
  const char* name;  // of its memory contexts
  MemoryContext spare;
};

struct MemoryLoan {
  MemoryContext context;  // null once returned
  KeptMemory* from;
  MemoryContextCallback callback;
};

// Begins a loan that ends with ReturnMemory, or when the current memory context is
// reset or deleted, as after an error. `loan` lies in that context.
void BorrowMemory(KeptMemory* from, MemoryLoan* loan);
void ReturnMemory(MemoryLoan* loan);

}  // namespace hnswpg

#endif  // HNSWPG_AM_KEPT_MEMORY_H_
