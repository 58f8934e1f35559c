// Reads slots under share locks. Lock order: a slot's page, then the pages of
// the same element behind it (higher blocks). TID containers are locked alone.
#include "hnswpg/storage/graph/slot_reader.h"

#include <algorithm>

#include "hnswpg/storage/page/buffers.h"
#include "hnswpg/storage/page/peek.h"
#include "storage/page/interrupts.h"

namespace hnswpg {

static_assert(sizeof(ItemPointerData) == offsetof(TidEntry, flags));

bool SlotCopy::HasLink(ElementId id) const {
  return std::find(links, links + tail.n_links, id) != links + tail.n_links;
}

void CheckLiesInFile(const HnswIndex& index, ElementId id) {
  if (id < index.meta.next_element) return;
  const ElementLayout& layout = index.layout;
  // As in the first chunk, so many chunks further on.
  const uint64_t chunk = id / layout.elements_per_chunk();
  const uint64_t block =
      chunk * layout.pages_per_chunk() + layout.SlotBlock(id % layout.elements_per_chunk());
  if (block < RelationGetNumberOfBlocks(index.rel)) return;
  ReportDamage(index.rel, std::min<uint64_t>(block, MaxBlockNumber), id,
               "something refers to it, but the file ends before it");
}

namespace {

// A pinned, share-locked page and a slot on it.
struct LockedSlot {
  Buffer buffer;
  const char* page;
  const char* slot;
};

LockedSlot LockSlot(const HnswIndex& index, ElementId id) {
  CheckLiesInFile(index, id);
  BlockNumber block;
  uint32_t offset;
  index.layout.Locate(id, &block, &offset);
  LockedSlot locked;
  locked.buffer = PinPageShared(index, block);
  locked.page = BufferGetPage(locked.buffer);
  locked.slot = locked.page + offset;
  return locked;
}

// The payload of the slot that the caller has locked, all pieces.
void CopyPayload(const HnswIndex& index, ElementId id, const LockedSlot& locked, char* out) {
  for (uint32_t i = 0; i < index.layout.payload_pieces(); i++) {
    const Piece piece = index.layout.PayloadPiece(id, i);
    if (i == 0) {
      memcpy(out, locked.page + piece.offset, piece.bytes);
    } else {
      Buffer buffer = PinPageShared(index, piece.block);
      memcpy(out, BufferGetPage(buffer) + piece.offset, piece.bytes);
      UnlockReleaseBuffer(buffer);
    }
    out += piece.bytes;
  }
}

void CopyVectorPages(const HnswIndex& index, ElementId id, void* out) {
  char* at = static_cast<char*>(out);
  for (uint32_t done = 0; done < index.layout.vector_bytes();) {
    const Piece piece = index.layout.VectorPiece(id, done);
    Buffer buffer = PinPageShared(index, piece.block);
    memcpy(at + done, BufferGetPage(buffer) + piece.offset, piece.bytes);
    UnlockReleaseBuffer(buffer);
    done += piece.bytes;
  }
}

// Collects heap TIDs of one element.
struct TidCollector {
  bool skip_killed;
  PodVector<TidRef>* tids;

  void Append(const TidEntry* entries, int n, ElementId slot, uint32_t version) const {
    for (int i = 0; i < n; i++) {
      if (skip_killed && (entries[i].flags & kTidKilled)) continue;
      tids->Push(TidRef{TidOf(entries[i]), slot, version});
    }
  }
};

// False if the chain was changed under us: a container that we were sent to is
// not the element's any more, or is at the front of the chain again.
bool AppendChain(const HnswIndex& index, ElementId owner, ElementId first,
                 const TidCollector& collector) {
  const ElementLayout& layout = index.layout;
  CircleDetector circle;
  for (ElementId id = first; id != kNoId;) {
    CHECK_FOR_INTERRUPTS();
    if (circle.Met(id)) return false;
    CheckContainerExists(index, owner, id);
    const LockedSlot locked = LockSlot(index, id);
    const ElementTail* tail = TailAt(locked.slot, layout);
    const bool ours = HeadAt(locked.slot)->state == SlotState::kTids && tail->parent == owner;
    const ElementId next = tail->next;
    if (ours) {
      const int n = std::min<int>(tail->n_links, layout.tids_capacity());
      collector.Append(ContainerTidsAt(locked.slot, layout), n, id, tail->version);
    }
    UnlockReleaseBuffer(locked.buffer);
    if (!ours) return false;
    id = next;
  }
  return true;
}

// A container that was freed and taken for the same element again may have led us
// around, so TIDs may be there twice.
void RemoveDuplicates(PodVector<TidRef>* tids, size_t from) {
  const auto compare = [](const TidRef& a, const TidRef& b) {
    return ItemPointerCompare(const_cast<ItemPointer>(&a.tid), const_cast<ItemPointer>(&b.tid));
  };
  TidRef* begin = tids->begin() + from;
  SortPausing(
      begin, tids->end(), [compare](const TidRef& a, const TidRef& b) { return compare(a, b) < 0; },
      &AnswerInterrupts);
  const TidRef* end = std::unique(begin, tids->end(), [compare](const TidRef& a, const TidRef& b) {
    return compare(a, b) == 0;
  });
  tids->Truncate(end - tids->begin());
}

// The distance between the query and the code of the slot, which the caller has locked.
// The same bytes give the same distance, bit for bit.
float CodeDistance(const HnswIndex& index, ElementId id, const LockedSlot& locked,
                   const Walked& walked) {
  const char* query = static_cast<const char*>(walked.code) + sizeof(CodeHeader);
  CodeSum sum;
  for (uint32_t i = 0; i < index.layout.payload_pieces(); i++) {
    const Piece piece = index.layout.PayloadPiece(id, i);
    if (i == 0) {
      index.space.Accumulate(query, locked.page + piece.offset, piece.bytes, &sum);
    } else {
      Buffer buffer = PinPageShared(index, piece.block);
      index.space.Accumulate(query, BufferGetPage(buffer) + piece.offset, piece.bytes, &sum);
      UnlockReleaseBuffer(buffer);
    }
    query += piece.bytes;
  }
  const CodeHeader& header = *static_cast<const CodeHeader*>(walked.code);
  return index.space.Finish(header, HeadAt(locked.slot)->code, sum);
}

// The distance that the walk would have measured by a code of our book, where the slot, which
// the caller has locked, has one by another by now: a code depends on book and vector alone.
float FormerDistance(const HnswIndex& index, ElementId id, const Reading& reading) {
  CopyVectorPages(index, id, reading.scratch);
  void* code = palloc(index.space.code_bytes());
  index.space.Encode(reading.scratch, code);
  const float distance = index.space.Distance(reading.walked->code, code);
  pfree(code);
  return distance;
}

// Whether the slot, which the caller has locked, holds the element that the walk measured,
// by its code or by its vector. `exact`: the exact distance.
bool IsAsWalked(const HnswIndex& index, ElementId id, const LockedSlot& locked,
                const Reading& reading, float exact) {
  const Walked& walked = *reading.walked;
  const auto is_it = [&walked](float distance) {
    return walked.distance == distance || walked.distance == PendingDistance(distance);
  };
  if (is_it(exact)) return true;
  if ((HeadAt(locked.slot)->book & kMaxBook) == index.parameters.book) {
    return is_it(CodeDistance(index, id, locked, walked));
  }
  // Without codes there is one book.
  return index.layout.has_vector_pages() && is_it(FormerDistance(index, id, reading));
}

// How often a chain may be changed while it is read before it must be damaged.
constexpr int kMaxRestarts = 1000;

}  // namespace

void ReadSlot(const HnswIndex& index, ElementId id, SlotCopy* copy, void* code) {
  const LockedSlot locked = LockSlot(index, id);
  copy->head = *HeadAt(locked.slot);
  copy->tail = *TailAt(locked.slot, index.layout);
  if (IsElement(copy->head.state)) {
    if (copy->tail.n_links > index.layout.max_links(0) || copy->tail.n_tids > kInlineTids ||
        copy->head.level > kMaxLevel) {
      ReportDamage(index.rel, BufferGetBlockNumber(locked.buffer), id,
                   "the slot's counts are out of bounds");
    }
    memcpy(copy->links, LinksAt(locked.slot, index.layout), copy->tail.n_links * sizeof(ElementId));
  }
  if (code) {
    memcpy(code, &copy->head.code, sizeof(CodeHeader));
    CopyPayload(index, id, locked, static_cast<char*>(code) + sizeof(CodeHeader));
  }
  UnlockReleaseBuffer(locked.buffer);
}

void ReadVector(const HnswIndex& index, ElementId id, void* out) {
  if (index.layout.has_vector_pages()) {
    CopyVectorPages(index, id, out);
    return;
  }
  const LockedSlot locked = LockSlot(index, id);
  CopyPayload(index, id, locked, static_cast<char*>(out));
  UnlockReleaseBuffer(locked.buffer);
}

namespace {

// The exact distance of the element whose slot is locked. A vector that lies on one page
// is measured there.
float ExactDistanceTo(const HnswIndex& index, ElementId id, const LockedSlot& locked,
                      const Reading& reading) {
  if (index.layout.has_vector_pages()) {
    const Piece piece = index.layout.VectorPiece(id, 0);
    if (piece.bytes == index.layout.vector_bytes()) {
      Buffer buffer = PinPageShared(index, piece.block);
      const void* vector = BufferGetPage(buffer) + piece.offset;
      const float distance = index.space.ExactDistance(reading.query, vector);
      UnlockReleaseBuffer(buffer);
      return distance;
    }
    CopyVectorPages(index, id, reading.scratch);
  } else {
    CopyPayload(index, id, locked, static_cast<char*>(reading.scratch));
  }
  return index.space.ExactDistance(reading.query, reading.scratch);
}

// One attempt at ReadElement: what lies in the slot, under its lock. False if
// there is nothing to be returned.
bool ReadLocked(const HnswIndex& index, ElementId id, const Reading& reading,
                const TidCollector& collector, ElementId* containers, ElementRead* now) {
  const LockedSlot locked = LockSlot(index, id);
  const SlotState state = HeadAt(locked.slot)->state;
  const bool alive = state == SlotState::kLinked || state == SlotState::kPending;
  now->distance = alive && reading.query ? ExactDistanceTo(index, id, locked, reading) : 0.0f;
  const bool right =
      alive && (reading.walked == nullptr || IsAsWalked(index, id, locked, reading, now->distance));
  now->changed = alive && !right;
  if (right) {
    const ElementTail* tail = TailAt(locked.slot, index.layout);
    now->version = tail->version;
    collector.Append(tail->tids, std::min<int>(tail->n_tids, kInlineTids), id, tail->version);
    *containers = tail->more_tids;
  }
  UnlockReleaseBuffer(locked.buffer);
  return right;
}

}  // namespace

bool ReadElement(const HnswIndex& index, ElementId id, const Reading& reading,
                 PodVector<TidRef>* tids, ElementRead* now) {
  const TidCollector collector = {reading.skip_killed, tids};
  const size_t before = tids->size();
  for (int restarts = 0; restarts < kMaxRestarts; restarts++) {
    ElementId containers = kNoId;
    if (!ReadLocked(index, id, reading, collector, &containers, now)) return false;
    if (containers == kNoId) return true;
    if (AppendChain(index, id, containers, collector)) {
      RemoveDuplicates(tids, before);
      return true;
    }
    tids->Truncate(before);
  }
  ReportDamage(index.rel, index.layout.SlotBlock(id), id,
               "its chain of TID containers leads back into itself or to another's");
}

void CheckContainerExists(const HnswIndex& index, ElementId owner, ElementId id) {
  if (id < index.meta.next_element || id < ReadMeta(index).next_element) return;
  ReportDamage(index.rel, index.layout.SlotBlock(owner), owner,
               psprintf("refers to TID container %u, which does not exist", id));
}

// The first lines of the code, and those that say whose buffer and which page it is.
void PrefetchCode(const HnswIndex& index, ElementId id) {
  BlockNumber block;
  Peek peek;
  const char* slot = Peeker(index.rel).LookAtSlot(index, id, &block, &peek);
  if (slot == nullptr) return;
  __builtin_prefetch(GetBufferDescriptor(peek.buffer - 1));
  __builtin_prefetch(slot);
  __builtin_prefetch(slot + 64);
  __builtin_prefetch(slot + index.layout.tail_offset());
}

void PrefetchElement(const HnswIndex& index, ElementId id) {
  const ElementLayout& layout = index.layout;
  BlockNumber block;
  uint32_t offset;
  layout.Locate(id, &block, &offset);
  const Peeker peeker(index.rel);
  const Peek slot = peeker.Look(block);
  if (slot.page) {
    __builtin_prefetch(GetBufferDescriptor(slot.buffer - 1));
    __builtin_prefetch(slot.page + offset);
    __builtin_prefetch(slot.page + offset + layout.tail_offset());
  }
  if (!layout.has_vector_pages()) return;
  const Piece piece = layout.VectorPiece(id, 0);
  const Peek vector = peeker.Look(piece.block);
  if (vector.page == nullptr) return;
  __builtin_prefetch(GetBufferDescriptor(vector.buffer - 1));
  // The hardware fetches what follows.
  const uint32_t bytes = std::min(piece.bytes, 512u);
  for (uint32_t at = 0; at < bytes; at += 64) __builtin_prefetch(vector.page + piece.offset + at);
}

void ReadContainerSlot(const HnswIndex& index, ElementId owner, ElementId id, SlotCopy* copy) {
  CheckContainerExists(index, owner, id);
  ReadSlot(index, id, copy, nullptr);
  if (copy->head.state == SlotState::kTids && copy->tail.parent == owner) return;
  ReportDamage(index.rel, index.layout.SlotBlock(owner), owner,
               psprintf("refers to TID container %u, which is not its own", id));
}

ElementId ReadContainer(const HnswIndex& index, ElementId owner, ElementId id, TidEntry* entries,
                        int* n) {
  const LockedSlot locked = LockSlot(index, id);
  const ElementTail* tail = TailAt(locked.slot, index.layout);
  if (HeadAt(locked.slot)->state != SlotState::kTids || tail->parent != owner ||
      tail->n_links > index.layout.tids_capacity()) {
    ReportDamage(index.rel, BufferGetBlockNumber(locked.buffer), id,
                 "not a TID container of the element that refers to it");
  }
  *n = tail->n_links;
  const TidEntry* from = ContainerTidsAt(locked.slot, index.layout);
  std::copy(from, from + *n, entries);
  const ElementId next = tail->next;
  UnlockReleaseBuffer(locked.buffer);
  return next;
}

}  // namespace hnswpg
