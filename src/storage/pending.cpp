#include "hnswpg/storage/pending.h"

#include "hnswpg/storage/slot_reader.h"

namespace hnswpg {

namespace {

// How often a walk of the list may be overtaken at one element before the list
// must be damaged.
constexpr int kMaxRestarts = 1000;

}  // namespace

// The list is first in, first out, and only its head is ever removed. When the
// element we stand on has been removed meanwhile, so has everything before it,
// and we go on from the new head.
void ReadPending(const Index& index, PodVector<ElementId>* ids) {
  ElementId id = ReadMeta(index).pending_first;
  if (id == kNoId) return;
  IdSet seen(ContextArena(CurrentMemoryContext));
  int restarts = 0;
  while (id != kNoId) {
    CHECK_FOR_INTERRUPTS();
    SlotCopy copy;
    ReadSlot(index, id, &copy, nullptr);
    if (copy.head.state == SlotState::kPending) {
      if (seen.Insert(id)) ids->Push(id);
      id = copy.tail.next;
      // The end; unless the slot we came from was freed and is another element's by
      // now, the newest. Then the head is one that we have not seen.
      if (id == kNoId) {
        const ElementId head = ReadMeta(index).pending_first;
        if (head != kNoId && !seen.Contains(head)) id = head;
      }
      continue;
    }
    const ElementId head = ReadMeta(index).pending_first;
    restarts = head == id ? restarts + 1 : 0;
    if (restarts == kMaxRestarts) {
      ReportDamage(index.rel, index.layout.SlotBlock(id), id,
                   "on the pending list, but not pending");
    }
    id = head;
  }
}

}  // namespace hnswpg
