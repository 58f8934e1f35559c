// Lists of the levels above 0: each by itself, and the chains in which elements
// and the free list hold them. (Their links: links.cpp.)
#include "storage/check/state.h"

namespace hnswpg {
namespace {

// How a chain of upper lists continues.
struct ChainPlace {
  BlockNumber block;  // of the slot or list that refers to the next
  ElementId owner;    // kNoId: the free list
};

void ReadUppers(Examination* e) {
  PageCopy copy(e);
  BlockNumber reported = InvalidBlockNumber;
  for (UpperId id = 0; id < e->upper_end; id++) {
    const BlockNumber block = e->layout().UpperBlock(id);
    const uint32_t offset = e->layout().UpperOffset(id);
    const char* page = copy.Read(block);
    if (page == nullptr) {
      e->incomplete = true;
      const bool damaged = block < e->blocks && e->pages[block] == PageStatus::kDamaged;
      if (!damaged && block != reported)
        Report(e, block, kNoId, "the page of upper list %u is empty", id);
      reported = block;
      continue;
    }
    const UpperHead& head = *UpperAt(page, offset);
    if (!KeepsContent(page, offset + e->layout().upper_bytes())) {
      Report(e, block, head.owner,
             "upper list %u lies outside of what the page header says is in use", id);
    }
    e->uppers[id] = {head.owner, head.next, head.level, true, false};
  }
}

// Steps to the list that `place` refers to. Null if there is none, if it cannot be
// read, or if it cannot be this chain's, which is reported.
KnownUpper* Step(Examination* e, const ChainPlace& place, UpperId id) {
  if (id >= e->upper_end) {
    Report(e, place.block, place.owner, "refers to upper list %u, which does not exist", id);
    return nullptr;
  }
  KnownUpper* upper = &e->uppers[id];
  if (!upper->readable) return nullptr;
  if (upper->owner != place.owner) {
    if (place.owner == kNoId) {
      Report(e, e->layout().UpperBlock(id), upper->owner,
             "upper list %u is on the free list, but belongs to this element", id);
    } else {
      Report(e, place.block, place.owner, "refers to upper list %u, which is not its own", id);
    }
    return nullptr;
  }
  if (upper->seen) {
    Report(e, place.block, place.owner, "refers to upper list %u, which was met before", id);
    return nullptr;
  }
  upper->seen = true;
  return upper;
}

// A linked element has the lists 1 to its level; of a pending one the last may be
// missing, of a dead one the first, which VACUUM frees one after another.
void FollowChain(Examination* e, ElementId id) {
  const KnownSlot& slot = e->slots[id];
  const BlockNumber slot_block = e->SlotBlock(id);
  ChainPlace place = {slot_block, id};
  int last = 0;
  for (UpperId at = slot.upper; at != kNoId;) {
    const KnownUpper* upper = Step(e, place, at);
    if (upper == nullptr) return;
    const bool first_of_dead = last == 0 && slot.state == SlotState::kDead && upper->level > 0;
    place.block = e->layout().UpperBlock(at);
    if (upper->level != last + 1 && !first_of_dead) {
      Report(e, place.block, id, "upper list %u is of level %d where level %d follows", at,
             upper->level, last + 1);
      return;
    }
    last = upper->level;
    at = upper->next;
  }
  if (last > slot.level) {
    Report(e, slot_block, id, "has upper lists up to level %d, but is of level %d", last,
           slot.level);
  }
  const bool may_lack =
      slot.state == SlotState::kPending || (slot.state == SlotState::kDead && last == 0);
  if (last < slot.level && !may_lack) {
    Report(e, slot_block, id, "has upper lists up to level %d only, but is of level %d", last,
           slot.level);
  }
}

uint32_t FollowFreeList(Examination* e) {
  ChainPlace place = {kMetaBlock, kNoId};
  uint32_t n = 0;
  for (UpperId at = e->index.meta.free_uppers; at != kNoId; n++) {
    const KnownUpper* upper = Step(e, place, at);
    if (upper == nullptr) {
      e->incomplete = true;  // the lists behind it will not be met
      break;
    }
    place.block = e->layout().UpperBlock(at);
    at = upper->next;
  }
  return n;
}

}  // namespace

void ExamineUppers(Examination* e) {
  ReadUppers(e);
  const bool all_read = !e->incomplete;
  for (ElementId id = 0; id < e->end; id++) {
    if (e->state(id) != kUnread && IsElement(e->state(id))) FollowChain(e, id);
  }
  const uint32_t n_free = FollowFreeList(e);
  if (!all_read || e->incomplete) return;
  const uint32_t told = e->index.meta.n_free_uppers;
  if (n_free != told) {
    Report(e, kMetaBlock, kNoId, "%u upper lists are free, not %u as the metapage says", n_free,
           told);
  }
  for (UpperId id = 0; id < e->upper_end; id++) {
    const KnownUpper& upper = e->uppers[id];
    if (upper.seen) continue;
    if (upper.owner == kNoId) {
      Report(e, e->layout().UpperBlock(id), kNoId,
             "upper list %u is free, but not on the free list", id);
    } else {
      Report(e, e->layout().UpperBlock(id), upper.owner,
             "upper list %u says it is this element's, which does not refer to it", id);
    }
  }
}

}  // namespace hnswpg
