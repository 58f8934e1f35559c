// Reads neighbour lists and codes for the walk. Locks: at most one page's
// content, shared, while a list is copied; none for codes.
#include "hnswpg/storage/page_graph.h"

namespace hnswpg {

int PageGraph::ReadLinks(ElementId id, int level, ElementId* out) {
  return level == 0 ? ReadLevel0(id, out) : ReadUpper(id, level, out);
}

int PageGraph::ReadLevel0(ElementId id, ElementId* out) {
  BlockNumber block;
  uint32_t offset;
  index_->layout.Locate(id, &block, &offset);
  Buffer buffer = PinPageShared(*index_, block);
  const char* slot = BufferGetPage(buffer) + offset;
  const SlotState state = HeadAt(slot)->state;
  int n = 0;
  if (IsElement(state)) {
    n = TailAt(slot, index_->layout)->n_links;
    if (n > index_->layout.max_links(0)) {
      ReportDamage(index_->rel, block, id, "more neighbours than fit");
    }
    memcpy(out, LinksAt(slot, index_->layout), n * sizeof(ElementId));
  }
  UnlockReleaseBuffer(buffer);
  CheckIds(out, n, block, id);
  return n;
}

UpperId PageGraph::FirstUpper(ElementId id) {
  BlockNumber block;
  uint32_t offset;
  index_->layout.Locate(id, &block, &offset);
  Buffer buffer = PinPageShared(*index_, block);
  const char* slot = BufferGetPage(buffer) + offset;
  const bool element = IsElement(HeadAt(slot)->state);
  const UpperId upper = element ? TailAt(slot, index_->layout)->upper : kNoId;
  UnlockReleaseBuffer(buffer);
  return upper;
}

int PageGraph::ReadUpper(ElementId id, int level, ElementId* out) {
  UpperId upper = FirstUpper(id);
  for (int at = 1; upper != kNoId; at++) {
    CheckUpper(upper, id);
    const BlockNumber block = index_->layout.UpperBlock(upper);
    Buffer buffer = PinPageShared(*index_, block);
    const UpperHead* head = UpperAt(BufferGetPage(buffer), index_->layout.UpperOffset(upper));
    // Freed, or another element's by now: the walk goes on without it.
    const bool ours = head->owner == id && head->level == at;
    const UpperId next = head->next;
    int n = 0;
    if (ours && at == level) {
      n = head->n_links;
      if (n > index_->layout.max_links(level)) {
        ReportDamage(index_->rel, block, id, "more neighbours on an upper level than fit");
      }
      memcpy(out, UpperLinks(head), n * sizeof(ElementId));
    }
    UnlockReleaseBuffer(buffer);
    if (!ours) return 0;
    if (at == level) {
      CheckIds(out, n, block, id);
      return n;
    }
    upper = next;
  }
  return 0;
}

void PageGraph::CheckUpper(UpperId upper, ElementId from) {
  if (likely(upper < upper_limit_)) return;
  upper_limit_ = ReadMeta(*index_).next_upper;
  if (upper < upper_limit_) return;
  ReportDamage(index_->rel, index_->layout.SlotBlock(from), from,
               psprintf("refers to upper list %u, which does not exist", upper));
}

void PageGraph::CheckIds(const ElementId* ids, int n, BlockNumber block, ElementId from) {
  for (int i = 0; i < n; i++) {
    if (likely(ids[i] < limit_)) continue;
    // Elements are added while we walk; the metapage knows.
    limit_ = ReadMeta(*index_).next_element;
    if (ids[i] >= limit_) {
      ReportDamage(index_->rel, block, from,
                   psprintf("a neighbour is element %u, which does not exist", ids[i]));
    }
  }
}

void PageGraph::Measure(const ElementId* ids, int n, Measured* out) {
  Peek peeks[kMaxLinks];
  BlockNumber blocks[kMaxLinks];
  const bool one_page = index_->layout.pages_per_slot() == 1;
  const bool is_code_long = index_->space.payload_bytes() > 192;
  for (int i = 0; i < n; i++) {
    uint32_t offset;
    index_->layout.Locate(ids[i], &blocks[i], &offset);
    peeks[i] = one_page ? PeekPage(*index_, blocks[i]) : Peek{nullptr, InvalidBuffer};
    if (peeks[i].page == nullptr) continue;
    peeks[i].page += offset;
    // The first lines of the code; the hardware follows from there.
    __builtin_prefetch(peeks[i].page);
    __builtin_prefetch(peeks[i].page + 64);
    __builtin_prefetch(peeks[i].page + 128);
    if (is_code_long) {
      __builtin_prefetch(peeks[i].page + 192);
      __builtin_prefetch(peeks[i].page + 256);
      __builtin_prefetch(peeks[i].page + 320);
    }
    __builtin_prefetch(GetBufferDescriptor(peeks[i].buffer - 1));
  }
  for (int i = 0; i < n; i++) {
    if (peeks[i].page == nullptr) continue;
    out[i].distance = DistanceTo(peeks[i].page);
    out[i].routes_only = RoutesOnly(HeadAt(peeks[i].page)->state);
  }
  // The codes must have been read before the tags are.
  pg_read_barrier();
  BufferTag tag = tag_;
  for (int i = 0; i < n; i++) {
    tag.blockNum = blocks[i];
    if (peeks[i].page != nullptr && StillHolds(peeks[i], tag)) {
      pgBufferUsage.shared_blks_hit++;
    } else {
      out[i] = MeasurePinned(ids[i]);
    }
  }
}

void PageGraph::MeasureInOrder(const ElementId* ids, int n, Measured* out, uint32_t* versions) {
  for (int begin = 0; begin < n;) {
    const BlockNumber block = index_->layout.SlotBlock(ids[begin]);
    int end = begin + 1;
    while (end < n && index_->layout.SlotBlock(ids[end]) == block) end++;
    if (!MeasureOnPage(block, ids + begin, end - begin, out + begin, versions + begin)) {
      for (int i = begin; i < end; i++) out[i] = MeasurePinned(ids[i], &versions[i]);
    }
    begin = end;
  }
}

// One look at the page for all of them. False: it could not be had so.
bool PageGraph::MeasureOnPage(BlockNumber block, const ElementId* ids, int n, Measured* out,
                              uint32_t* versions) {
  if (index_->layout.pages_per_slot() > 1) return false;
  const Peek peek = PeekPage(*index_, block);
  if (peek.page == nullptr) return false;
  for (int i = 0; i < n; i++) {
    const char* slot = peek.page + index_->layout.SlotOffset(ids[i]);
    out[i].distance = DistanceTo(slot);
    out[i].routes_only = RoutesOnly(HeadAt(slot)->state);
    versions[i] = TailAt(slot, index_->layout)->version;
  }
  pg_read_barrier();
  BufferTag tag = tag_;
  tag.blockNum = block;
  if (!StillHolds(peek, tag)) return false;
  pgBufferUsage.shared_blks_hit++;
  return true;
}

uint32_t PageGraph::ReadReroutings() {
  pg_read_barrier();
  const Peek peek = PeekPage(*index_, kMetaBlock);
  if (peek.page != nullptr) {
    const volatile Meta* meta = MetaOf(const_cast<char*>(peek.page));
    const uint32_t n = meta->n_reroutings;
    pg_read_barrier();
    BufferTag tag = tag_;
    tag.blockNum = kMetaBlock;
    if (StillHolds(peek, tag)) return n;
  }
  return ReadMeta(*index_).n_reroutings;
}

Measured PageGraph::MeasurePinned(ElementId id, uint32_t* version) {
  const ElementLayout& layout = index_->layout;
  const char* query = static_cast<const char*>(code_) + sizeof(CodeHeader);
  ElementHead head{};
  CodeSum sum;
  for (uint32_t i = 0; i < layout.payload_pieces(); i++) {
    const Piece piece = layout.PayloadPiece(id, i);
    Buffer buffer = PinPage(*index_, piece.block);
    const char* page = BufferGetPage(buffer);
    if (i == 0) {
      const char* slot = page + piece.offset - sizeof(ElementHead);
      head = *HeadAt(slot);
      if (version) *version = TailAt(slot, layout)->version;
    }
    index_->space.Accumulate(query, page + piece.offset, piece.bytes, &sum);
    query += piece.bytes;
    ReleaseBuffer(buffer);
  }
  const CodeHeader& mine = *static_cast<const CodeHeader*>(code_);
  return {index_->space.Finish(mine, head.code, sum), RoutesOnly(head.state)};
}

}  // namespace hnswpg
