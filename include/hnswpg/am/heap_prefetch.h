// Asks for the memory of the rows that the executor will fetch next.
//
// A scan knows its next rows some time before it returns them, and fetching each takes
// several waits for memory, one after another. What is done here warms the CPU's cache
// and no more: nothing is pinned, locked or believed. It needs to know which buffers
// hold the table's pages, so it remembers those of rows that were fetched before.
// Does nothing where the table is not a heap.
#ifndef HNSWPG_AM_HEAP_PREFETCH_H_
#define HNSWPG_AM_HEAP_PREFETCH_H_

#include "hnswpg/storage/server.h"

extern "C" {
#include "access/relscan.h"
}

namespace hnswpg {

// The executor has fetched the row that the scan returned last, if any.
void RememberHeapPage(IndexScanDesc desc);

// The rows will be returned soon. At most kMaxPrefetchedRows.
inline constexpr int kMaxPrefetchedRows = 16;
void PrefetchHeapRows(IndexScanDesc desc, const ItemPointerData* tids, int n);

}  // namespace hnswpg

#endif  // HNSWPG_AM_HEAP_PREFETCH_H_
