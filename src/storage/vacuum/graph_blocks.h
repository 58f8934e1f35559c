// Passing over all elements in the order of their blocks.
#ifndef HNSWPG_STORAGE_VACUUM_GRAPH_BLOCKS_H_
#define HNSWPG_STORAGE_VACUUM_GRAPH_BLOCKS_H_

#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// Calls visit(block) for the first block of every slot, or row of slots, that has
// been handed out when the call begins. Interruptible between blocks.
template <class Visit>
void ForEachGraphBlock(const HnswIndex& index, Visit visit) {
  const ElementLayout& layout = index.layout;
  const ElementId end = ReadMeta(index).next_element;
  BlockNumber block = InvalidBlockNumber;
  for (ElementId id = 0; id < end; id++) {
    if (layout.SlotBlock(id) == block) continue;
    block = layout.SlotBlock(id);
    CHECK_FOR_INTERRUPTS();
    visit(block);
  }
}

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_VACUUM_GRAPH_BLOCKS_H_
