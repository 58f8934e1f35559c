// Examining an index: the frame. The parts are in this folder's other files.
#include "hnswpg/storage/check/examination.h"

#include <algorithm>
#include <cstdarg>

#include "storage/check/state.h"

namespace hnswpg {
namespace {

template <class T>
T* AllocateZeroed(size_t n) {
  return static_cast<T*>(MemoryContextAllocExtended(CurrentMemoryContext, n * sizeof(T),
                                                    MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
}

// The metapage may promise more than the file holds: never allocate for more.
void BoundByFile(Examination* e) {
  const ElementLayout& layout = e->layout();
  const Meta& meta = e->index.meta;
  const uint64_t chunks =
      (static_cast<uint64_t>(e->blocks) + layout.pages_per_chunk() - 2) / layout.pages_per_chunk();
  e->end = std::min<uint64_t>(meta.next_element, chunks * layout.elements_per_chunk());
  e->upper_end = std::min<uint64_t>(meta.next_upper, chunks * layout.uppers_per_chunk());
  if (meta.next_element > e->end) {
    Report(e, kMetaBlock, kNoId, "%u slots are in use, but the file ends after %u blocks",
           meta.next_element, e->blocks);
  }
  if (meta.next_upper > e->upper_end) {
    Report(e, kMetaBlock, kNoId, "%u upper lists are in use, but the file ends after %u blocks",
           meta.next_upper, e->blocks);
  }
  e->incomplete = meta.next_element > e->end || meta.next_upper > e->upper_end;
}

}  // namespace

void Report(const Examination* e, BlockNumber block, ElementId element, const char* format, ...) {
  char what[256];
  va_list args;
  va_start(args, format);
  pg_vsnprintf(what, sizeof(what), format, args);
  va_end(args);
  e->sink.add(e->sink.arg, block, element, what);
}

const HnswIndex& ExaminedIndex(const Examination* e) { return e->index; }

Examination* ExamineIndex(Relation rel, CheckSink sink) {
  Examination* e = OpenExamination(rel, sink);
  if (e == nullptr) return nullptr;
  e->strategy = GetAccessStrategy(BAS_BULKREAD);
  // After the metapage, which tells what must be there: the file only grows.
  e->blocks = RelationGetNumberOfBlocks(rel);
  BoundByFile(e);
  e->pages = AllocateZeroed<PageStatus>(e->blocks);
  e->slots = AllocateZeroed<KnownSlot>(e->end);
  e->uppers = AllocateZeroed<KnownUpper>(e->upper_end);
  ExaminePages(e);
  ExamineSlots(e);
  ExamineUppers(e);
  ExamineLinks(e);
  ExamineTree(e);
  ExamineSlotLists(e);
  ExamineCodes(e);
  ExamineTids(e);
  return e;
}

}  // namespace hnswpg
