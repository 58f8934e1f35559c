// What the parts of an examination (hnswpg/storage/check/examination.h) know in common. One
// part, one file of this folder; they run in the order in which they are declared
// here.
//
// Consistency. The graph lock keeps everything still but this: insertions take
// slots off the head of the free list or behind the last slot, and append them to
// the pending list. So what was read of a linked or dead element, of a TID
// container or of an upper list holds until the end; what was read as free may be
// pending by now. ExamineSlotLists, the only part that cares, says how it copes.
#ifndef HNSWPG_STORAGE_CHECK_STATE_H_
#define HNSWPG_STORAGE_CHECK_STATE_H_

#include "hnswpg/core/format/element.h"
#include "hnswpg/core/memory/arena.h"
#include "hnswpg/core/memory/pod_vector.h"
#include "hnswpg/storage/check/examination.h"
#include "hnswpg/storage/graph/slot_reader.h"

namespace hnswpg {

enum class PageStatus : uint8_t {
  kSound,
  kEmpty,    // within the file, never written
  kDamaged,  // reported
};

// In place of a state: the slot cannot be read or makes no sense, and that has
// been reported. Nothing that follows from it is reported again.
inline constexpr SlotState kUnread = static_cast<SlotState>(255);

// What is remembered of a slot.
struct KnownSlot {
  ElementId parent;
  ElementId next;
  UpperId upper;
  ElementId more_tids;
  SlotState state;
  uint8_t level;
  bool exact : 1;    // an element: not coded by the book in force, or not well
  bool held : 1;     // an element: its parent's level-0 list has it
  bool led_to : 1;   // a dead element: a live one links to it
  bool chained : 1;  // a TID container: found in its owner's chain
  bool reached : 1;  // the entry point's tree leads to it
  bool lost : 1;     // the chain of its parents does not end at the entry point
  bool on_path : 1;  // on the chain being followed
};

struct KnownUpper {
  ElementId owner;
  UpperId next;
  uint8_t level;
  bool readable : 1;
  bool seen : 1;  // in an element's chain, or on the free list
};

struct HeldTid {
  BlockNumber block;
  OffsetNumber offset;
  ElementId slot;
};

// A violation in a list of a dead element, which is none if nothing alive leads
// there: VACUUM was cut short while it was freeing slots.
struct DeadComplaint {
  ElementId id;
  BlockNumber block;
  char* what;
};

struct Examination {
  Examination(const HnswIndex& opened, CheckSink to, Arena arena)
      : index(opened), sink(to), tids(arena), dead_complaints(arena) {}

  HnswIndex index;  // meta: as it was in the beginning
  CheckSink sink;
  BufferAccessStrategy strategy = nullptr;

  bool centre_known = true;  // else the code book is damaged, which is reported
  BlockNumber blocks = 0;    // of the file, in the beginning
  PageStatus* pages = nullptr;

  ElementId end = 0;  // slots below it are examined
  KnownSlot* slots = nullptr;
  UpperId upper_end = 0;
  KnownUpper* uppers = nullptr;
  // Some slot or upper list could not be read, so nothing can be counted.
  bool incomplete = false;

  PodVector<HeldTid> tids;  // sorted by ExamineTids
  PodVector<DeadComplaint> dead_complaints;

  const ElementLayout& layout() const { return index.layout; }
  BlockNumber SlotBlock(ElementId id) const { return index.layout.SlotBlock(id); }
  SlotState state(ElementId id) const { return slots[id].state; }
  bool InGraph(ElementId id) const {
    return state(id) == SlotState::kLinked || state(id) == SlotState::kDead;
  }
};

// A copy of a page, kept until another is asked for.
class PageCopy {
 public:
  explicit PageCopy(Examination* examination);
  // The contents of the block, read under its share lock; null if it is damaged,
  // empty or beyond the end of the file. Interruptible.
  const char* Read(BlockNumber block);
  const char* ReadAgain(BlockNumber block) {
    block_ = InvalidBlockNumber;
    return Read(block);
  }

 private:
  Examination* examination_;
  BlockNumber block_ = InvalidBlockNumber;
  const char* contents_ = nullptr;
  char* page_;
};

// Whether what lies before `end` is kept in a full-page image of the page.
inline bool KeepsContent(const char* page, uint32_t end) {
  return reinterpret_cast<const PageHeaderData*>(page)->pd_lower >= end;
}

// Reads the metapage and the code book, and reports what is damaged of them. Null if the
// metapage is.
Examination* OpenExamination(Relation rel, CheckSink sink);
// Every page is readable, and of the kind that belongs there or never written.
void ExaminePages(Examination* examination);
// Every slot makes sense by itself. Fills `slots` and `tids`.
void ExamineSlots(Examination* examination);
// Every upper list makes sense by itself, and belongs to one element, which has
// one on each of its levels, or to the free list. Fills `uppers`.
void ExamineUppers(Examination* examination);
// Every link leads to another element in the graph that exists on that level, and
// no list has one twice.
void ExamineLinks(Examination* examination);
// The entry point's tree of parents reaches every linked element.
void ExamineTree(Examination* examination);
// Free list, pending list, chains of TID containers, and the metapage's counts.
void ExamineSlotLists(Examination* examination);
// Every vector is finite, and its code is the code of it.
void ExamineCodes(Examination* examination);
// No heap TID is there twice. Sorts `tids`.
void ExamineTids(Examination* examination);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_CHECK_STATE_H_
