#include "am/callbacks/heap_prefetch.h"

#include "hnswpg/storage/page/peek.h"

extern "C" {
#include "access/heapam.h"
#include "access/htup_details.h"
#include "pgstat.h"
}

namespace hnswpg {
namespace {

bool ReadsHeap(IndexScanDesc desc) {
  return desc->heapRelation != nullptr && desc->xs_heapfetch != nullptr &&
         desc->heapRelation->rd_tableam == GetHeapamTableAmRoutine();
}

// The heap's side of the scan keeps the page of its last row pinned.
Buffer* PinnedByHeap(IndexScanDesc desc) {
  return &reinterpret_cast<IndexFetchHeapData*>(desc->xs_heapfetch)->xs_cbuf;
}

}  // namespace

void RememberHeapPage(IndexScanDesc desc) {
  if (!ReadsHeap(desc)) return;
  const Buffer buffer = *PinnedByHeap(desc);
  if (BufferIsValid(buffer)) {
    RememberBuffer(desc->heapRelation, BufferGetBlockNumber(buffer), buffer);
  }
}

void PinHeapPage(IndexScanDesc desc, const ItemPointerData& tid) {
  if (!ReadsHeap(desc)) return;
  Relation heap = desc->heapRelation;
  Buffer* pinned = PinnedByHeap(desc);
  const BlockNumber block = ItemPointerGetBlockNumberNoCheck(&tid);
  if (BufferIsValid(*pinned) && BufferGetBlockNumber(*pinned) == block) return;
  const Buffer buffer = PinIfRemembered(heap, block);
  if (buffer == InvalidBuffer) return;
  if (BufferIsValid(*pinned)) ReleaseBuffer(*pinned);
  *pinned = buffer;
  // What the heap does with a page that it comes to.
  pgstat_count_buffer_read(heap);
  pgstat_count_buffer_hit(heap);
  heap_page_prune_opt(heap, buffer);
}

void PrefetchHeapRows(IndexScanDesc desc, const ItemPointerData* tids, int n) {
  if (!ReadsHeap(desc)) return;
  const Peeker peeker(desc->heapRelation);
  const char* pages[kMaxPrefetchedRows];
  for (int i = 0; i < n; i++) {
    pages[i] = nullptr;
    // Of a damaged index it may be anything, and is used to read, below.
    if (ItemPointerGetOffsetNumberNoCheck(&tids[i]) > MaxHeapTuplesPerPage) continue;
    const Peek peek = peeker.Look(ItemPointerGetBlockNumberNoCheck(&tids[i]));
    pages[i] = peek.page;
    if (peek.page == nullptr) continue;
    __builtin_prefetch(GetBufferDescriptor(peek.buffer - 1));
    __builtin_prefetch(peek.page);
    __builtin_prefetch(reinterpret_cast<PageHeader>(const_cast<char*>(peek.page))->pd_linp +
                       ItemPointerGetOffsetNumberNoCheck(&tids[i]) - 1);
  }
  for (int i = 0; i < n; i++) {
    if (pages[i] == nullptr) continue;
    // Whatever it says, it is an offset within the page or a little beyond it.
    const ItemId item =
        PageGetItemId(const_cast<char*>(pages[i]), ItemPointerGetOffsetNumberNoCheck(&tids[i]));
    __builtin_prefetch(pages[i] + ItemIdGetOffset(item));
  }
}

}  // namespace hnswpg
