// Makes ready the rows that the executor will fetch next.
//
// A scan knows its next rows some time before it returns them, and fetching each takes
// several waits for memory, one after another. It remembers which buffers hold the
// table's pages, of rows that were fetched before, and so can ask for the memory of
// some rows in advance, and hand the heap the page of the next one without a look
// into the server's table of buffers. A guess is checked before anything depends on
// it. Does nothing where the table is not a heap.
#ifndef HNSWPG_AM_CALLBACKS_HEAP_PREFETCH_H_
#define HNSWPG_AM_CALLBACKS_HEAP_PREFETCH_H_

#include "hnswpg/postgres/server.h"

extern "C" {
#include "access/relscan.h"
}

namespace hnswpg {

// The executor has fetched the row that the scan returned last, if any.
void RememberHeapPage(IndexScanDesc desc);

// The row is returned now. Pins its page for the heap's side of the scan, in the place
// of the one that it has, if it is where it was; else the heap reads it. May prune the
// page, as the heap would. In the executor's memory context.
void PinHeapPage(IndexScanDesc desc, const ItemPointerData& tid);

// The rows will be returned soon. At most kMaxPrefetchedRows. Warms the CPU's cache and
// no more: nothing is pinned, locked or believed.
inline constexpr int kMaxPrefetchedRows = 16;
void PrefetchHeapRows(IndexScanDesc desc, const ItemPointerData* tids, int n);

}  // namespace hnswpg

#endif  // HNSWPG_AM_CALLBACKS_HEAP_PREFETCH_H_
