// The mark is WAL-logged like everything else. As an unlogged hint it would make
// the pages of a standby differ from the primary's, which generic WAL has no way
// to excuse.
#include "hnswpg/storage/vacuum/mark_killed.h"

#include <algorithm>

#include "hnswpg/storage/page/page_txn.h"

namespace hnswpg {

void MarkKilled(const HnswIndex& index, const TidRef& ref) {
  PageTxn txn(index, WriteMode::kLogged);
  txn.Want(index.layout.SlotBlock(ref.slot));
  txn.Begin();
  char* slot = txn.slot(ref.slot);
  ElementTail* tail = TailAt(slot, index.layout);
  const bool container = HeadAt(slot)->state == SlotState::kTids;
  TidEntry* entries = container ? ContainerTidsAt(slot, index.layout) : tail->tids;
  const uint32_t n = container ? std::min<uint32_t>(tail->n_links, index.layout.tids_capacity())
                               : std::min<uint32_t>(tail->n_tids, kInlineTids);
  TidEntry* found = std::find_if(entries, entries + n, [&ref](const TidEntry& entry) {
    ItemPointerData tid = TidOf(entry);
    return ItemPointerEquals(&tid, const_cast<ItemPointer>(&ref.tid));
  });
  if (tail->version != ref.version || found == entries + n || (found->flags & kTidKilled)) {
    txn.Abandon();
    return;
  }
  found->flags |= kTidKilled;
  txn.Commit();
}

}  // namespace hnswpg
