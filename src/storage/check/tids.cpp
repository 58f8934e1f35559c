// Heap TIDs: none twice, and each leads to a line that an index may point to.
//
// What an index may point to: a tuple that is not heap-only (a root of a HOT
// chain), a redirection to one, or a dead line, which waits for VACUUM. Not an
// unused line, nor a heap-only tuple: VACUUM frees a line for use again only
// after every index has let go of it, and a line reused too early would return a
// row under another row's vector.
//
// AccessShareLock on the table is enough for that. VACUUM frees lines after its
// pass over this index, which needs the graph lock, so a line that the index still
// pointed to when the graph lock was taken is not freed before it is given back;
// shortening the table needs a lock that conflicts with ours.
#include <algorithm>

#include "storage/check/state.h"

extern "C" {
#include "access/htup_details.h"
}

namespace hnswpg {
namespace {

bool SameTid(const HeldTid& a, const HeldTid& b) {
  return a.block == b.block && a.offset == b.offset;
}

bool Before(const HeldTid& a, const HeldTid& b) {
  if (a.block != b.block) return a.block < b.block;
  return a.offset != b.offset ? a.offset < b.offset : a.slot < b.slot;
}

void Complain(const Examination* e, const HeldTid& tid, const char* what) {
  Report(e, e->SlotBlock(tid.slot), tid.slot, "heap TID (%u,%u) %s", tid.block, tid.offset, what);
}

// What is wrong with the line that an index points to; null if nothing.
const char* JudgeLine(Page page, OffsetNumber offset) {
  if (offset < FirstOffsetNumber || offset > PageGetMaxOffsetNumber(page)) {
    return "points behind the last line of its page";
  }
  const ItemId line = PageGetItemId(page, offset);
  if (!ItemIdIsUsed(line)) return "points to an unused line";
  if (!ItemIdIsNormal(line)) return nullptr;
  const HeapTupleHeader tuple = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, line));
  return HeapTupleHeaderIsHeapOnly(tuple) ? "points to a heap-only tuple" : nullptr;
}

}  // namespace

void ExamineTids(Examination* e) {
  PodVector<HeldTid>& tids = e->tids;
  std::sort(tids.begin(), tids.end(), Before);
  for (size_t i = 1; i < tids.size(); i++) {
    if (!SameTid(tids[i - 1], tids[i])) continue;
    Report(e, e->SlotBlock(tids[i].slot), tids[i].slot, "heap TID (%u,%u) is in slot %u already",
           tids[i].block, tids[i].offset, tids[i - 1].slot);
  }
}

void ExamineHeapLines(Examination* e, Relation heap) {
  // After the index was read: a row inserted meanwhile may lie on a new page.
  const BlockNumber blocks = RelationGetNumberOfBlocks(heap);
  const PodVector<HeldTid>& tids = e->tids;
  Page page = static_cast<Page>(palloc(BLCKSZ));
  for (size_t i = 0; i < tids.size();) {
    CHECK_FOR_INTERRUPTS();
    const BlockNumber block = tids[i].block;
    if (block >= blocks) {
      Complain(e, tids[i++], "points behind the end of the table");
      continue;
    }
    Buffer buffer = ReadBufferExtended(heap, MAIN_FORKNUM, block, RBM_NORMAL, e->strategy);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    memcpy(page, BufferGetPage(buffer), BLCKSZ);
    UnlockReleaseBuffer(buffer);
    for (; i < tids.size() && tids[i].block == block; i++) {
      const char* what = JudgeLine(page, tids[i].offset);
      if (what != nullptr) Complain(e, tids[i], what);
    }
  }
}

ElementId FindHeapTid(const Examination* e, const ItemPointerData& tid) {
  const HeldTid key = {ItemPointerGetBlockNumberNoCheck(&tid),
                       ItemPointerGetOffsetNumberNoCheck(&tid), 0};
  const HeldTid* found = std::lower_bound(e->tids.begin(), e->tids.end(), key, Before);
  if (found == e->tids.end() || !SameTid(*found, key)) return kNoId;
  const KnownSlot& slot = e->slots[found->slot];
  return slot.state == SlotState::kTids ? slot.parent : found->slot;
}

}  // namespace hnswpg
