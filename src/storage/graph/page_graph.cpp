// Reads neighbour lists and codes for the walk. Locks: none where that can be; else one page's
// content, shared, while a list is copied or a code is measured.
#include "hnswpg/storage/graph/page_graph.h"

#include <algorithm>
#include <limits>

#include "hnswpg/storage/page/peek.h"

extern "C" {
#include "access/xlog.h"
}

namespace hnswpg {

// Whether what is going to be read is the block's.
inline bool PageGraph::Holds(const Peek& peek, BlockNumber block) {
  tag_.blockNum = block;
  return hnswpg::Holds(peek, tag_);
}

// Whether what was just read was the block's.
inline bool PageGraph::Held(const Peek& peek, BlockNumber block) {
  tag_.blockNum = block;
  if (!StillHolds(peek, tag_)) return false;
  pgBufferUsage.shared_blks_hit++;
  return true;
}

int PageGraph::ReadLinks(ElementId id, int level, ElementId* out) {
  if (peeks_) {
    const int n = level == 0 ? PeekLevel0(id, out) : PeekUpper(id, level, out);
    if (n >= 0) return n;
  }
  return level == 0 ? ReadLevel0(id, out) : ReadUpper(id, level, out);
}

// A list as it is in memory now, if it can be one: it may be torn, when somebody is
// writing it, or not be there at all. -1 if it has to be read under the lock.
int PageGraph::PeekLevel0(ElementId id, ElementId* out) {
  BlockNumber block;
  Peek peek;
  const char* slot = peeker_.LookAtSlot(*index_, id, &block, &peek);
  if (slot == nullptr || !Holds(peek, block)) return -1;
  const SlotState state = HeadAt(slot)->state;
  // Read once: it must not change between the check and the use.
  const int n = static_cast<const volatile ElementTail*>(TailAt(slot, index_->layout))->n_links;
  if (!IsElement(state) || n > index_->layout.max_links(0)) return -1;
  memcpy(out, LinksAt(slot, index_->layout), n * sizeof(ElementId));
  // The list must have been read before the tag is.
  pg_read_barrier();
  return Held(peek, block) && AllExist(out, n) ? n : -1;
}

// The same for an upper level.
int PageGraph::PeekUpper(ElementId id, int level, ElementId* out) {
  BlockNumber block;
  Peek peek;
  const char* slot = peeker_.LookAtSlot(*index_, id, &block, &peek);
  if (slot == nullptr || !Holds(peek, block)) return -1;
  UpperId upper = TailAt(slot, index_->layout)->upper;
  for (int at = 1; at <= level; at++) {
    pg_read_barrier();
    if (!Held(peek, block) || upper >= upper_limit_) return -1;
    block = index_->layout.UpperBlock(upper);
    peek = peeker_.Look(block);
    if (peek.page == nullptr || !Holds(peek, block)) return -1;
    const UpperHead* head = UpperAt(peek.page, index_->layout.UpperOffset(upper));
    const int n = static_cast<const volatile UpperHead*>(head)->n_links;
    if (head->owner != id || head->level != at || n > index_->layout.max_links(at)) return -1;
    upper = head->next;
    if (at < level) continue;
    memcpy(out, UpperLinks(head), n * sizeof(ElementId));
    pg_read_barrier();
    if (Held(peek, block) && AllExist(out, n)) return n;
  }
  return -1;
}

bool PageGraph::AllExist(const ElementId* ids, int n) const {
  ElementId greatest = 0;
  for (int i = 0; i < n; i++) greatest = std::max(greatest, ids[i]);
  return greatest < limit_;
}

void PageGraph::PrefetchLinks(ElementId id, int level) {
  if (level > 0) return;
  BlockNumber block;
  Peek peek;
  const char* slot = peeker_.LookAtSlot(*index_, id, &block, &peek);
  if (slot == nullptr) return;
  const char* tail = slot + index_->layout.tail_offset();
  const int bytes =
      static_cast<int>(sizeof(ElementTail) + index_->layout.max_links(0) * sizeof(ElementId));
  for (int at = 0; at < bytes; at += 64) __builtin_prefetch(tail + at);
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

// Where the codes of the elements are, and their first lines on the way to the cache;
// what lies behind those the CPU fetches by itself.
template <int kLines>
void PageGraph::LookAt(const ElementId* ids, int n, BlockNumber* blocks, Peek* peeks,
                       const char** codes) {
  for (int i = 0; i < n; i++) {
    uint32_t offset;
    index_->layout.Locate(ids[i], &blocks[i], &offset);
    peeks[i] = peeker_.LookOrFetch(*index_, blocks[i]);
    codes[i] = peeks[i].page + offset + offsetof(ElementHead, code);
    for (int line = 0; line < kLines; line++) __builtin_prefetch(codes[i] + 64 * line);
    __builtin_prefetch(GetBufferDescriptor(peeks[i].buffer - 1));
  }
}

void PageGraph::Measure(const ElementId* ids, int n, Measured* out) {
  if (n <= 0) return;
  if (!peeks_) {
    for (int i = 0; i < n; i++) out[i] = MeasureLocked(ids[i]);
    return;
  }
  BlockNumber blocks[kMaxLinks];
  Peek peeks[kMaxLinks];
  const char* codes[kMaxLinks];
  if (index_->space.code_bytes() <= 192) {
    LookAt<3>(ids, n, blocks, peeks, codes);
  } else {
    LookAt<5>(ids, n, blocks, peeks, codes);
  }
  float distances[kMaxLinks];
  query_.Distances(codes, n, distances);
  bool by_code[kMaxLinks];
  for (int i = 0; i < n; i++) {
    const ElementHead* head = HeadAt(codes[i] - offsetof(ElementHead, code));
    out[i] = Measured{distances[i], RoutesOnly(head->state)};
    by_code[i] = ByCode(head->book);
  }
  // The codes must have been read before the tags are. And all the tags before another page
  // is read, which may bring a block back into the buffer that it was looked for in.
  pg_read_barrier();
  bool held[kMaxLinks];
  for (int i = 0; i < n; i++) held[i] = Held(peeks[i], blocks[i]);
  // Of a page that was not there nothing counts: neither the distance, nor what is said of how
  // the element is to be measured.
  for (int i = 0; i < n; i++) {
    if (likely(held[i] && by_code[i])) continue;
    if (held[i]) {
      out[i].distance = MeasureExactly(ids[i]);
    } else {
      out[i] = MeasureLocked(ids[i]);
    }
  }
}

// Under pins alone, on pages that hold nothing but vectors. The vector of an element does
// not change while the element lives. What is read of another one that gets the slot just
// now is found out when the element is read for certain.
float PageGraph::MeasureExactly(ElementId id) {
  const ElementLayout& layout = index_->layout;
  // A slot that says it has a book in an index without codes is damaged, or is none.
  if (!layout.has_vector_pages()) return std::numeric_limits<float>::infinity();
  const Piece first = layout.VectorPiece(id, 0);
  if (first.bytes == layout.vector_bytes()) {
    Buffer buffer = PinPage(*index_, first.block);
    const void* vector = BufferGetPage(buffer) + first.offset;
    const float distance = index_->space.ExactDistance(QueryVector(), vector);
    ReleaseBuffer(buffer);
    return distance;
  }
  if (scratch_ == nullptr) {
    scratch_ = MemoryContextAlloc(context_, layout.vector_bytes());
  }
  char* out = static_cast<char*>(scratch_);
  for (uint32_t done = 0; done < layout.vector_bytes();) {
    const Piece piece = layout.VectorPiece(id, done);
    Buffer buffer = PinPage(*index_, piece.block);
    memcpy(out + done, BufferGetPage(buffer) + piece.offset, piece.bytes);
    ReleaseBuffer(buffer);
    done += piece.bytes;
  }
  return index_->space.ExactDistance(QueryVector(), scratch_);
}

void PageGraph::MeasureInOrder(const ElementId* ids, int n, bool exactly, Measured* out,
                               uint32_t* versions) {
  if (index_->layout.payload_pieces() > 1) {
    for (int i = 0; i < n; i++) out[i] = MeasureLocked(ids[i], exactly, &versions[i]);
    return;
  }
  for (int begin = 0; begin < n;) {
    const BlockNumber block = index_->layout.SlotBlock(ids[begin]);
    int end = begin + 1;
    while (end < n && index_->layout.SlotBlock(ids[end]) == block) end++;
    MeasureOnPage(block, ids + begin, end - begin, exactly, out + begin, versions + begin);
    begin = end;
  }
}

// One lock of the page for all of them.
void PageGraph::MeasureOnPage(BlockNumber block, const ElementId* ids, int n, bool exactly,
                              Measured* out, uint32_t* versions) {
  Buffer buffer = PinPageShared(*index_, block);
  const char* page = BufferGetPage(buffer);
  const char* codes[kMaxLinks];
  float distances[kMaxLinks];
  for (int i = 0; i < n; i++) {
    codes[i] = page + index_->layout.SlotOffset(ids[i]) + offsetof(ElementHead, code);
  }
  query_.Distances(codes, n, distances);
  for (int i = 0; i < n; i++) {
    const char* slot = codes[i] - offsetof(ElementHead, code);
    out[i] = Measured{distances[i], RoutesOnly(HeadAt(slot)->state)};
    versions[i] = TailAt(slot, index_->layout)->version;
    // With the slot's page locked the vector is this element's.
    if (exactly || !ByCode(HeadAt(slot)->book)) out[i].distance = MeasureExactly(ids[i]);
  }
  UnlockReleaseBuffer(buffer);
}

// Nobody but who has its lock changes a page of the primary that is pinned. A standby may be
// bringing it back from the log, all zeros until it is copied.
uint32_t PageGraph::ReadReroutings() {
  pg_read_barrier();
  const Buffer buffer =
      RecoveryInProgress() ? InvalidBuffer : PinIfRemembered(index_->rel, kMetaBlock);
  if (buffer == InvalidBuffer) return ReadMeta(*index_).n_reroutings;
  const volatile Meta* meta = MetaOf(BufferGetPage(buffer));
  const uint32_t n = meta->n_reroutings;
  ReleaseBuffer(buffer);
  return n;
}

// It may have to be read from disk, so interrupts are answered before.
Measured PageGraph::MeasureLocked(ElementId id, bool exactly, uint32_t* version) {
  CHECK_FOR_INTERRUPTS();
  BlockNumber block;
  uint32_t offset;
  index_->layout.Locate(id, &block, &offset);
  Buffer buffer = PinPageShared(*index_, block);
  const char* page = BufferGetPage(buffer);
  const ElementHead head = *HeadAt(page + offset);
  if (version) *version = TailAt(page + offset, index_->layout)->version;
  if (exactly || !ByCode(head.book)) {
    const float distance = MeasureExactly(id);
    UnlockReleaseBuffer(buffer);
    return {distance, RoutesOnly(head.state)};
  }
  const CodeSum sum = SumPieces(id, page);
  UnlockReleaseBuffer(buffer);
  const CodeHeader& mine = *static_cast<const CodeHeader*>(query_.code());
  return {index_->space.Finish(mine, head.code, sum), RoutesOnly(head.state)};
}

// Of a payload whose first piece is on `first_page`, which is locked; the others are on pages
// behind it, which are locked one by one.
CodeSum PageGraph::SumPieces(ElementId id, const char* first_page) const {
  const char* query = static_cast<const char*>(query_.code()) + sizeof(CodeHeader);
  CodeSum sum;
  for (uint32_t i = 0; i < index_->layout.payload_pieces(); i++) {
    const Piece piece = index_->layout.PayloadPiece(id, i);
    if (i == 0) {
      index_->space.Accumulate(query, first_page + piece.offset, piece.bytes, &sum);
    } else {
      Buffer buffer = PinPageShared(*index_, piece.block);
      index_->space.Accumulate(query, BufferGetPage(buffer) + piece.offset, piece.bytes, &sum);
      UnlockReleaseBuffer(buffer);
    }
    query += piece.bytes;
  }
  return sum;
}

}  // namespace hnswpg
