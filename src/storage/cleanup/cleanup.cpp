// Cleanup: taking dead elements out of the graph.
//
// In this order, each step complete before the next begins, so that the graph is
// whole at every moment (README.md, "Cleanup"):
//   1. a dead entry point hands over to a live one, and becomes its child;
//   2. every live child of a dead element gets a live parent;
//   3. every list that has dead neighbours is chosen anew from its live ones and the
//      neighbours of the dead;
//   4. nothing leads to the dead any more: their slots are freed.
// The dead are those that were dead when their slots were read in the beginning.
// Others have the graph lock between the steps for an element. What they can do
// meanwhile is little. VACUUM marks elements, which are left for the next time.
// Linking changes only the new element's lists, adds it to lists of others, and
// makes it the old entry point's parent. So only elements linked meanwhile can have
// come under a dead parent (where short lists are full of the children of dead
// ones), or link to a dead one (where the search found nothing alive). They are known
// as soon as the lock is back (yield.cpp), get live parents before anything
// else is done, and have their lists mended in the end. Once none is left, no way leads
// from the entry point to the dead, so nobody can link to them, and the lock is yielded
// again while their slots are freed.
#include "storage/cleanup/remover.h"
#include "storage/page/interrupts.h"

#include <new>

namespace hnswpg {
namespace {

// So many candidates are looked at for a list, at most: the live neighbours, then
// neighbours of the dead ones, then what a search finds.
int MaxCandidates(const HnswIndex& index) {
  return 8 * index.layout.m() + index.parameters.ef_construction;
}

}  // namespace

Remover::Remover(const HnswIndex& index, bool gives_way)
    : index_(index),
      turn_(index.rel, gives_way, GraphTurn::kLong),
      fresh_(ContextArena(CurrentMemoryContext)),
      runs_(ContextArena(CurrentMemoryContext)),
      free_(ContextArena(CurrentMemoryContext)),
      learned_(ContextArena(CurrentMemoryContext)),
      seen_(ContextArena(CurrentMemoryContext)),
      dead_(ContextArena(CurrentMemoryContext)),
      beyond_(ContextArena(CurrentMemoryContext)),
      put_(static_cast<NewList*>(palloc(index.layout.slots_per_page() * sizeof(NewList)))),
      self_(&index),
      graph_(&index),
      budget_(&AnswerInterrupts),
      walk_(&graph_, ContextArena(CurrentMemoryContext), WriterVisited(), &budget_),
      editor_(&index, WriteMode::kLogged),
      near_(&index, MaxCandidates(index)) {}

RemoveResult Remover::Run() {
  RemoveResult result;
  if (!ReadAll()) return result;
  ReplaceEntry();
  if (!AdoptOrphans() || !MendLists()) return result;
  if (!CatchUp()) return result;
  result.complete = FreeDead(&result.freed);
  return result;
}

// ---- what is known ----

// Yields between pages. Knows, afterwards, what is in the graph just then.
bool Remover::ReadAll() {
  const Meta meta = ReadMeta(index_);
  entry_ = meta.entry;
  // A crash while two were changing places has left it so.
  rerouted_ = IsRerouting(meta.n_reroutings);
  Grow(meta.next_element);
  BlockNumber block = InvalidBlockNumber;
  for (ElementId id = 0; id < end_; id++) {
    if (index_.layout.SlotBlock(id) == block) continue;
    block = index_.layout.SlotBlock(id);
    if (!Yield()) return false;
    ReadPage(block);
  }
  if (!CheckTree()) return false;
  all_read_ = true;
  return CheckParents();
}

// What was linked while others had the lock, their parents first. When this returns
// true, nothing of that is left, and the lock has not been yielded since.
bool Remover::CatchUp() {
  while (n_mended_ < fresh_.size()) {
    if (!Yield() || !AdoptFresh()) return false;
    Mend(fresh_[n_mended_++]);
    WritePut();
  }
  return true;
}

// Never for more elements than the file can hold, whatever the metapage says.
void Remover::Grow(ElementId end) {
  if (known_ != nullptr && end <= end_) return;
  if (end > 0 && index_.layout.SlotBlock(end - 1) >= RelationGetNumberOfBlocks(index_.rel)) {
    ReportDamage(index_.rel, kMetaBlock, kNoId, "more elements than the file has room for");
  }
  const Size bytes = (static_cast<Size>(end) + 1) * sizeof(Known);
  known_ =
      static_cast<Known*>(known_ == nullptr ? MemoryContextAllocHuge(CurrentMemoryContext, bytes)
                                            : repalloc_huge(known_, bytes));
  for (; end_ < end; end_++) {
    known_[end_] = {kNoId, kNoId, SlotState::kFree, 0, false, Chain::kUnknown};
  }
}

// The slots on the page that are not known to be in the graph.
void Remover::ReadPage(BlockNumber block) {
  const ElementLayout& layout = index_.layout;
  Buffer buffer = PinPageShared(index_, block);
  const ElementId first = layout.FirstElementOn(block);
  const ElementId end = std::min(first + layout.ElementsOn(block), end_);
  for (ElementId id = first; id < end; id++) {
    if (InGraph(id)) continue;
    const char* slot = BufferGetPage(buffer) + layout.SlotOffset(id);
    Learn(id, *HeadAt(slot), *TailAt(slot, layout));
  }
  UnlockReleaseBuffer(buffer);
}

// Of the dead, some may be left of a cleanup that was cut short while it freed them.
// Yields.
bool Remover::CheckParents() {
  for (ElementId id = 0; id < end_; id++) {
    if (id % kStride == 0 && !Yield()) return false;
    if (!IsLinked(id) || known_[id].parent == kNoId || known_[id].parent < end_) continue;
    ReportDamage(index_.rel, index_.layout.SlotBlock(id), id, "the parent does not exist");
  }
  return true;
}

// ---- the call ----

RemoveResult RemoveDead(Relation rel, bool gives_way) {
  if (OpenIndex(rel).meta.n_dead == 0) return {0, true};
  if (!LockForMaintenance(rel, gives_way)) return {};
  // While that lock is held the code book stays as it is.
  const HnswIndex index = OpenIndex(rel);
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg cleanup", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  LockIndex(index.rel, IndexLock::kLink, ShareLock);
  LockGraph(index.rel);
  const RemoveResult result = (new (palloc(sizeof(Remover))) Remover(index, gives_way))->Run();
  UnlockGraph(index.rel);
  UnlockIndex(index.rel, IndexLock::kLink, ShareLock);
  UnlockForMaintenance(index.rel);
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
  return result;
}

double DeadFraction(const Meta& meta) {
  const double in_graph = static_cast<double>(meta.n_linked) + meta.n_dead;
  return in_graph > 0 ? meta.n_dead / in_graph : 0;
}

}  // namespace hnswpg
