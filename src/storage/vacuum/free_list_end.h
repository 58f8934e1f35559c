// Taking the highest ids off a free list, so that the slots count as never used.
#ifndef HNSWPG_STORAGE_VACUUM_FREE_LIST_END_H_
#define HNSWPG_STORAGE_VACUUM_FREE_LIST_END_H_

#include "hnswpg/storage/page/page_txn.h"

namespace hnswpg {

// A slot as a free list sees it.
struct FreeSlot {
  bool is_free;
  uint32_t next;     // kNoId: the list ends here
  uint32_t version;  // another one each time that the slot comes onto the list
};

// One of the two free lists: how to follow it and how to change it.
struct FreeListKind {
  // Share lock on the slot's page, taken and released. Raises ERRCODE_INDEX_CORRUPTED.
  FreeSlot (*read)(const HnswIndex& index, uint32_t id);
  BlockNumber (*block)(const HnswIndex& index, uint32_t id);
  void (*set_next)(const HnswIndex& index, PageTxn* txn, uint32_t id, uint32_t next);
  uint32_t Meta::*head;
  uint32_t Meta::*count;
  uint32_t Meta::*end;  // the mark of never-used ids
};
extern const FreeListKind kFreeElements;
extern const FreeListKind kFreeUppers;

// Takes ids off the list, from the last one handed out downwards, and moves the mark of
// never-used ids down with them: to `until`, or as far as it can. It ends before at a
// slot that somebody has taken or freed meanwhile, and after as many slots as there is
// room for in maintenance_work_mem; doing it again goes on from there. The caller holds
// the maintenance lock. Takes and releases the graph lock, in turns, and the metapage's
// content lock for each record. Memory is left in the current context. Interruptible.
void ShortenFreeList(const HnswIndex& index, const FreeListKind& kind, uint32_t until);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_VACUUM_FREE_LIST_END_H_
