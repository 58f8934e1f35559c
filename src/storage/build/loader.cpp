#include "hnswpg/storage/build/loader.h"

extern "C" {
#include "optimizer/optimizer.h"
}

#include <algorithm>
#include <utility>

#include "hnswpg/storage/graph/slot_reader.h"
#include "hnswpg/storage/page/page_txn.h"

namespace hnswpg {

Loader::Loader(const HnswIndex* index)
    : index_(index),
      n_blocks_(RelationGetNumberOfBlocks(index->rel)),
      cursor_(index),
      upper_cursor_(index),
      container_cursor_(index),
      tids_(ContextArena(CurrentMemoryContext)),
      extra_tids_(ContextArena(CurrentMemoryContext)) {
  for (void*& vector : vectors_) {
    vector = palloc(index->space.vector_bytes());
  }
}

void Loader::MakeBlock(BlockNumber block) {
  if (block < n_blocks_) return;
  EnsureBlock(index_->rel, block);
  n_blocks_ = RelationGetNumberOfBlocks(index_->rel);
}

// ---- While the table is read ----

void Loader::AddElement(const void* code, const void* vector, ItemPointer tid) {
  const ElementId id = next_element_++;
  if (index_->layout.has_vector_pages()) {
    WriteVector(id, vector);
  } else {
    WritePayload(id, code);
  }
  tids_.Push(*tid);
}

void Loader::AddTid(ElementId id, ItemPointer tid) { extra_tids_.Push(ExtraTid{id, *tid}); }

void Loader::WriteVector(ElementId id, const void* vector) {
  const char* bytes = static_cast<const char*>(vector);
  for (uint32_t done = 0; done < index_->layout.vector_bytes();) {
    const Piece piece = index_->layout.VectorPiece(id, done);
    MakeBlock(piece.block);
    cursor_.Write(piece, bytes + done);
    done += piece.bytes;
  }
}

void Loader::WritePayload(ElementId id, const void* code) {
  const char* payload = static_cast<const char*>(code) + sizeof(CodeHeader);
  for (uint32_t i = 0; i < index_->layout.payload_pieces(); i++) {
    const Piece piece = index_->layout.PayloadPiece(id, i);
    MakeBlock(piece.block);
    cursor_.Write(piece, payload);
    payload += piece.bytes;
  }
}

// ---- New places for the vectors ----

// Where they lie in the slots, which are written anew in any case, nothing moves. Else
// what the server takes to be in memory, here or with the operating system, is moved
// with few reads from disk.
bool Loader::MayPack() const {
  return !index_->layout.has_vector_pages() ||
         RelationGetNumberOfBlocks(index_->rel) <= static_cast<BlockNumber>(effective_cache_size);
}

// Each place gets the vector of the element that has it now. In place, circle by circle
// of the permutation.
void Loader::MoveVectors(const BuiltGraph& graph) {
  if (!index_->layout.has_vector_pages()) return;
  char* moved = static_cast<char*>(MemoryContextAllocExtended(
      CurrentMemoryContext, graph.size() / 8 + 1, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
  for (ElementId id = 0; id < graph.size(); id++) MoveCircle(graph, id, moved);
  pfree(moved);
}

void Loader::MoveCircle(const BuiltGraph& graph, ElementId first, char* moved) {
  const auto mark = [moved](ElementId id) {
    const bool before = moved[id / 8] >> (id % 8) & 1;
    moved[id / 8] |= 1 << (id % 8);
    return before;
  };
  if (mark(first) || graph.IdWhenAdded(first) == first) return;
  ReadVector(*index_, first, vectors_[0]);
  for (ElementId to = first;;) {
    CHECK_FOR_INTERRUPTS();
    const ElementId from = graph.IdWhenAdded(to);
    if (from == first) {
      WriteVector(to, vectors_[0]);
      return;
    }
    mark(from);
    ReadVector(*index_, from, vectors_[1]);
    WriteVector(to, vectors_[1]);
    to = from;
  }
}

// ---- The elements ----

void Loader::Finish(const BuiltGraph& graph, uint32_t n_blind) {
  std::sort(extra_tids_.begin(), extra_tids_.end(), [](const ExtraTid& a, const ExtraTid& b) {
    return a.id != b.id ? a.id < b.id
                        : ItemPointerCompare(const_cast<ItemPointer>(&a.tid),
                                             const_cast<ItemPointer>(&b.tid)) < 0;
  });
  MoveVectors(graph);
  for (ElementId id = 0; id < graph.size(); id++) {
    CHECK_FOR_INTERRUPTS();
    WriteElement(graph, id);
  }
  cursor_.Leave();
  upper_cursor_.Leave();
  container_cursor_.Leave();
  WriteMeta(graph, n_blind);
}

void Loader::WriteElement(const BuiltGraph& graph, ElementId id) {
  Tids extra = ExtraTidsOf(graph.IdWhenAdded(id));
  const std::ptrdiff_t inlined = std::min<std::ptrdiff_t>(kInlineTids - 1, extra.end - extra.begin);
  const Tids rest = {extra.begin + inlined, extra.end};
  extra.end = rest.begin;
  const ElementId container = WriteContainers(id, rest);
  const UpperId upper = WriteUppers(graph, id);
  if (index_->layout.payload_pieces() > 1) WritePayload(id, graph.Code(id));
  WriteSlot(graph, id, extra, upper, container);
}

// All of it that lies on the slot's first page.
void Loader::WriteSlot(const BuiltGraph& graph, ElementId id, Tids extra, UpperId upper,
                       ElementId container) {
  const ElementLayout& layout = index_->layout;
  BlockNumber block;
  uint32_t offset;
  layout.Locate(id, &block, &offset);
  Page page = cursor_.Lock(block);
  ExtendContent(page, offset + layout.slot_bytes());
  char* slot = page + offset;
  ElementHead* head = HeadAt(slot);
  *head = ElementHead{};
  head->state = SlotState::kLinked;
  head->level = graph.Level(id);
  head->book = index_->parameters.book | (graph.IsBlind(id) ? kMeasureExactly : 0);
  WriteCodeAt(slot, graph.Code(id), layout);
  ElementTail* tail = TailAt(slot, layout);
  *tail = ElementTail{};
  tail->parent = graph.Parent(id);
  tail->next = kNoId;
  tail->upper = upper;
  tail->more_tids = container;
  tail->tids[tail->n_tids++] = EntryOf(&tids_[graph.IdWhenAdded(id)]);
  for (; extra.begin < extra.end; extra.begin++) {
    tail->tids[tail->n_tids++] = EntryOf(&extra.begin->tid);
  }
  tail->n_links = graph.Links(id, 0, LinksAt(slot, layout));
  cursor_.Unlock();
}

// The upper lists of an element are consecutive, level 1 first. Returns the first one,
// kNoId if there is none.
UpperId Loader::WriteUppers(const BuiltGraph& graph, ElementId id) {
  const ElementLayout& layout = index_->layout;
  const int top = graph.Level(id);
  if (top == 0) return kNoId;
  const UpperId first = next_upper_;
  for (int level = 1; level <= top; level++) {
    const UpperId upper = next_upper_++;
    const BlockNumber block = layout.UpperBlock(upper);
    MakeBlock(block);
    Page page = upper_cursor_.Lock(block);
    ExtendContent(page, layout.UpperOffset(upper) + layout.upper_bytes());
    UpperHead* head = UpperAt(page, layout.UpperOffset(upper));
    *head = UpperHead{id, level < top ? upper + 1 : kNoId, 0, static_cast<uint8_t>(level), 0};
    head->n_links = graph.Links(id, level, UpperLinks(head));
    upper_cursor_.Unlock();
  }
  return first;
}

Loader::Tids Loader::ExtraTidsOf(ElementId added) const {
  const auto before = [](const ExtraTid& a, ElementId id) { return a.id < id; };
  ExtraTid* end = const_cast<ExtraTid*>(extra_tids_.end());
  ExtraTid* begin =
      std::lower_bound(const_cast<ExtraTid*>(extra_tids_.begin()), end, added, before);
  return {begin, std::lower_bound(begin, end, added + 1, before)};
}

// A container has no vector, but an element may get its slot one day. The pages behind the
// slot are made now: whoever writes there later takes a page of zeros for one that is lost.
void Loader::MakePagesBehind(ElementId id) {
  static const char zeros[BLCKSZ] = {};
  const ElementLayout& layout = index_->layout;
  for (uint32_t i = 1; i < layout.payload_pieces(); i++) {
    const Piece piece = layout.PayloadPiece(id, i);
    MakeBlock(piece.block);
    cursor_.Write(piece, zeros);
  }
  for (uint32_t done = 0; done < layout.vector_bytes();) {
    const Piece piece = layout.VectorPiece(id, done);
    MakeBlock(piece.block);
    cursor_.Write(piece, zeros);
    done += piece.bytes;
  }
}

// Puts heap TIDs into a chain of TID containers, whose slots follow those of all
// elements. Returns the first one, kNoId if there is none.
ElementId Loader::WriteContainers(ElementId owner, Tids tids) {
  const ElementLayout& layout = index_->layout;
  if (tids.begin == tids.end) return kNoId;
  const ElementId first = next_element_;
  while (tids.begin < tids.end) {
    CHECK_FOR_INTERRUPTS();
    const ElementId id = next_element_++;
    BlockNumber block;
    uint32_t offset;
    layout.Locate(id, &block, &offset);
    MakeBlock(block);
    Page page = container_cursor_.Lock(block);
    ExtendContent(page, offset + layout.slot_bytes());
    char* slot = page + offset;
    *HeadAt(slot) = ElementHead{};
    HeadAt(slot)->state = SlotState::kTids;
    ElementTail* tail = TailAt(slot, layout);
    *tail = ElementTail{};
    tail->parent = owner;
    while (tids.begin < tids.end && tail->n_links < layout.tids_capacity()) {
      ContainerTidsAt(slot, layout)[tail->n_links++] = EntryOf(&(tids.begin++)->tid);
    }
    tail->next = tids.begin < tids.end ? next_element_ : kNoId;
    tail->upper = kNoId;
    tail->more_tids = kNoId;
    container_cursor_.Unlock();
    MakePagesBehind(id);
    n_tid_slots_++;
  }
  return first;
}

void Loader::WriteMeta(const BuiltGraph& graph, uint32_t n_blind) {
  PageTxn txn(*index_, WriteMode::kBuilding);
  txn.Want(kMetaBlock);
  txn.Begin();
  Meta* meta = txn.meta();
  if (graph.size() > 0) {
    meta->entry = graph.entry_point();
    meta->entry_level = graph.max_level();
  }
  meta->next_element = next_element_;
  meta->next_upper = next_upper_;
  meta->n_linked = graph.size();
  meta->n_exact = n_blind;
  meta->n_exact_when_learnt = meta->n_exact;
  meta->n_when_learnt = index_->parameters.book > kOriginBook ? graph.size() : 0;
  meta->n_tid_slots = n_tid_slots_;
  meta->n_tids = tids_.size() + extra_tids_.size();
  meta->last_sync = GetCurrentTimestamp();
  txn.Commit();
}

}  // namespace hnswpg
