// Memory that one command or scan uses and the session keeps for the next: what a
// search or an insertion takes comes in pieces that malloc would return to the system
// each time, to fetch them anew, page by page, a moment later.
#ifndef HNSWPG_AM_CALLBACKS_SESSION_MEMORY_H_
#define HNSWPG_AM_CALLBACKS_SESSION_MEMORY_H_

#include "hnswpg/core/memory/visited.h"
#include "hnswpg/postgres/server.h"

namespace hnswpg {

// What is lent.
struct LentMemory {
  MemoryContext context;  // reset whenever the borrower likes, and when it is returned
  VisitedBits visited;    // for a walk; with memory that is not reset
};

// One for each purpose, static. Several loans at a time are possible; one is kept.
struct SessionMemory {
  const char* name;  // of its memory contexts
  LentMemory* spare;
};

struct MemoryLoan {
  LentMemory* lent;  // null once returned
  SessionMemory* from;
  MemoryContextCallback callback;
};

// Begins a loan that ends with ReturnMemory, or when the current memory context is
// reset or deleted, as after an error. `loan` lies in that context.
void BorrowMemory(SessionMemory* from, MemoryLoan* loan);
void ReturnMemory(MemoryLoan* loan);

}  // namespace hnswpg

#endif  // HNSWPG_AM_CALLBACKS_SESSION_MEMORY_H_
