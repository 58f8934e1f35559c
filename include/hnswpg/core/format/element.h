// The bytes of an element's slot, of a TID container and of an upper-level
// list, as they lie on the page. Offsets between the parts come from
// ElementLayout; what the fields mean, and which lock guards them, is in
// src/storage/FORMAT.md.
#ifndef HNSWPG_CORE_FORMAT_ELEMENT_H_
#define HNSWPG_CORE_FORMAT_ELEMENT_H_

#include <cstdint>
#include <cstring>

#include "hnswpg/core/format/layout.h"
#include "hnswpg/core/space/code.h"

namespace hnswpg {

enum class SlotState : uint8_t {
  kFree = 0,     // on the free list, or never used
  kPending = 1,  // written, not yet linked; on the pending list
  kLinked = 2,   // in the graph
  kDead = 3,     // in the graph, without heap TIDs: routes, is never returned
  kTids = 4,     // not an element: further heap TIDs of one
};

// Begins every slot, so that one cache line tells the walk whether an element
// may be returned and how to read the code that follows.
struct ElementHead {
  SlotState state;
  uint8_t level;
  uint16_t book;  // the number of the code book that the code is by, and kMeasureExactly
  CodeHeader code;
};
static_assert(sizeof(ElementHead) == 12);

// In ElementHead::book: the code does not tell the element from its neighbours, or it is
// not known yet whether it does. Such an element is measured by its vector.
inline constexpr uint16_t kMeasureExactly = 0x8000;
inline constexpr uint16_t kMaxBook = 0x7FFF;

// The server's ItemPointerData and a word of flags.
struct TidEntry {
  uint16_t block_hi;
  uint16_t block_lo;
  uint16_t offset;
  uint16_t flags;
};
static_assert(sizeof(TidEntry) == 8);
// The row was dead to every transaction when a scan visited it.
inline constexpr uint16_t kTidKilled = 1;

inline constexpr int kInlineTids = 3;

// Behind the payload; the level-0 links follow it.
struct ElementTail {
  // Counts the lives of the slot and the removals of TIDs from it, so that a
  // TID seen once is known to be still the same.
  uint32_t version;
  // Linked or dead: the element whose level-0 list is sure to hold this one
  // (kNoId for the entry point). TID container: the element it belongs to.
  ElementId parent;
  // Next on the free list, or next TID container. Pending: an element that had the same
  // vector when this one was written, or kNoId.
  ElementId next;
  UpperId upper;        // list of level 1; kNoId at level 0
  ElementId more_tids;  // first TID container, or kNoId
  uint16_t n_links;     // level-0 links; TID container: entries
  uint8_t n_tids;       // entries in tids[]
  uint8_t unused;
  TidEntry tids[kInlineTids];
};
static_assert(sizeof(ElementTail) == 48);

// A slot of an upper page: one element's list on one level.
struct UpperHead {
  ElementId owner;  // kNoId: free
  UpperId next;     // the list of the next higher level; or next free
  uint16_t n_links;
  uint8_t level;
  uint8_t unused;
};
static_assert(sizeof(UpperHead) == 12);

inline ElementHead* HeadAt(char* slot) { return reinterpret_cast<ElementHead*>(slot); }
inline const ElementHead* HeadAt(const char* slot) {
  return reinterpret_cast<const ElementHead*>(slot);
}
// Puts a contiguous code into a slot: its header, and as much of its payload as is there, the
// first piece.
inline void WriteCodeAt(char* slot, const void* code, const ElementLayout& layout) {
  memcpy(&HeadAt(slot)->code, code, sizeof(CodeHeader));
  memcpy(slot + sizeof(ElementHead), static_cast<const char*>(code) + sizeof(CodeHeader),
         layout.PayloadPiece(0, 0).bytes);  // as large in every slot
}
inline ElementTail* TailAt(char* slot, const ElementLayout& layout) {
  return reinterpret_cast<ElementTail*>(slot + layout.tail_offset());
}
inline const ElementTail* TailAt(const char* slot, const ElementLayout& layout) {
  return reinterpret_cast<const ElementTail*>(slot + layout.tail_offset());
}
inline ElementId* LinksAt(char* slot, const ElementLayout& layout) {
  return reinterpret_cast<ElementId*>(slot + layout.links_offset());
}
inline const ElementId* LinksAt(const char* slot, const ElementLayout& layout) {
  return reinterpret_cast<const ElementId*>(slot + layout.links_offset());
}
inline TidEntry* ContainerTidsAt(char* slot, const ElementLayout& layout) {
  return reinterpret_cast<TidEntry*>(slot + layout.tids_offset());
}
inline const TidEntry* ContainerTidsAt(const char* slot, const ElementLayout& layout) {
  return reinterpret_cast<const TidEntry*>(slot + layout.tids_offset());
}
inline UpperHead* UpperAt(char* page, uint32_t offset) {
  return reinterpret_cast<UpperHead*>(page + offset);
}
inline const UpperHead* UpperAt(const char* page, uint32_t offset) {
  return reinterpret_cast<const UpperHead*>(page + offset);
}
inline ElementId* UpperLinks(UpperHead* head) { return reinterpret_cast<ElementId*>(head + 1); }
inline const ElementId* UpperLinks(const UpperHead* head) {
  return reinterpret_cast<const ElementId*>(head + 1);
}

inline bool IsElement(SlotState state) {
  return state == SlotState::kPending || state == SlotState::kLinked || state == SlotState::kDead;
}

}  // namespace hnswpg

#endif  // HNSWPG_CORE_FORMAT_ELEMENT_H_
