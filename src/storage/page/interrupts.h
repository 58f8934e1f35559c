// How long work in storage answers cancel, timeouts and recovery conflicts.
#ifndef HNSWPG_STORAGE_PAGE_INTERRUPTS_H_
#define HNSWPG_STORAGE_PAGE_INTERRUPTS_H_

#include "hnswpg/core/walk/budget.h"
#include "hnswpg/postgres/server.h"

namespace hnswpg {

// The pause of core's walks and sorts (hnswpg/core/walk/budget.h). Raises what an interrupt raises.
// The caller holds no lock and no pin on a page; heavyweight locks go with the transaction.
inline void AnswerInterrupts() { CHECK_FOR_INTERRUPTS(); }

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_INTERRUPTS_H_
