// Reads slots under share locks. Lock order: a slot's page, then the pages of
// the same element behind it (higher blocks). TID containers are locked alone.
#include "hnswpg/storage/slot_reader.h"

#include <algorithm>

#include "hnswpg/storage/buffer_hint.h"

namespace hnswpg {

static_assert(sizeof(ItemPointerData) == offsetof(TidEntry, flags));

bool SlotCopy::HasLink(ElementId id) const {
  return std::find(links, links + tail.n_links, id) != links + tail.n_links;
}

namespace {

// A pinned, share-locked page and a slot on it.
struct LockedSlot {
  Buffer buffer;
  const char* page;
  const char* slot;
};

LockedSlot LockSlot(const Index& index, ElementId id) {
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
void CopyPayload(const Index& index, ElementId id, const LockedSlot& locked, char* out) {
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

void CopyVectorPages(const Index& index, ElementId id, float* out) {
  char* at = reinterpret_cast<char*>(out);
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

void AppendContainers(const Index& index, ElementId owner, ElementId first,
                      const TidCollector& collector) {
  const ElementLayout& layout = index.layout;
  CircleDetector circle;
  for (ElementId id = first; id != kNoId;) {
    CHECK_FOR_INTERRUPTS();
    CheckContainer(index, owner, id, &circle);
    const LockedSlot locked = LockSlot(index, id);
    const ElementTail* tail = TailAt(locked.slot, layout);
    // VACUUM may have freed the container meanwhile: its TIDs were dead.
    const bool ours = HeadAt(locked.slot)->state == SlotState::kTids && tail->parent == owner;
    const ElementId next = tail->next;
    if (ours) {
      const int n = std::min<int>(tail->n_links, layout.tids_capacity());
      collector.Append(ContainerTidsAt(locked.slot, layout), n, id, tail->version);
    }
    UnlockReleaseBuffer(locked.buffer);
    if (!ours) return;
    id = next;
  }
}

}  // namespace

void ReadSlot(const Index& index, ElementId id, SlotCopy* copy, void* code) {
  const LockedSlot locked = LockSlot(index, id);
  copy->head = *HeadAt(locked.slot);
  copy->tail = *TailAt(locked.slot, index.layout);
  if (IsElement(copy->head.state)) {
    if (copy->tail.n_links > index.layout.max_links(0) || copy->tail.n_tids > kInlineTids ||
        copy->head.level > kMaxLevel) {
      ReportDamage(index.rel, BufferGetBlockNumber(locked.buffer), id, "the slot's counts are out of bounds");
    }
    memcpy(copy->links, LinksAt(locked.slot, index.layout), copy->tail.n_links * sizeof(ElementId));
  }
  if (code) {
    memcpy(code, &copy->head.code, sizeof(CodeHeader));
    CopyPayload(index, id, locked, static_cast<char*>(code) + sizeof(CodeHeader));
  }
  UnlockReleaseBuffer(locked.buffer);
}

void ReadVector(const Index& index, ElementId id, float* out) {
  if (index.layout.has_vector_pages()) {
    CopyVectorPages(index, id, out);
    return;
  }
  const LockedSlot locked = LockSlot(index, id);
  CopyPayload(index, id, locked, reinterpret_cast<char*>(out));
  UnlockReleaseBuffer(locked.buffer);
}

bool ReadElement(const Index& index, ElementId id, bool skip_killed, float* vector,
                 PodVector<TidRef>* tids) {
  const TidCollector collector = {skip_killed, tids};
  const LockedSlot locked = LockSlot(index, id);
  const SlotState state = HeadAt(locked.slot)->state;
  const bool alive = state == SlotState::kLinked || state == SlotState::kPending;
  ElementId containers = kNoId;
  if (alive) {
    const ElementTail* tail = TailAt(locked.slot, index.layout);
    collector.Append(tail->tids, std::min<int>(tail->n_tids, kInlineTids), id, tail->version);
    containers = tail->more_tids;
    if (index.layout.has_vector_pages()) {
      CopyVectorPages(index, id, vector);
    } else {
      CopyPayload(index, id, locked, reinterpret_cast<char*>(vector));
    }
  }
  UnlockReleaseBuffer(locked.buffer);
  AppendContainers(index, id, containers, collector);
  return alive;
}

void CheckContainer(const Index& index, ElementId owner, ElementId id, CircleDetector* circle) {
  if (id >= index.meta.next_element && id >= ReadMeta(index).next_element) {
    ReportDamage(index.rel, index.layout.SlotBlock(owner), owner,
                 psprintf("refers to TID container %u, which does not exist", id));
  }
  if (circle->Met(id)) {
    ReportDamage(index.rel, index.layout.SlotBlock(owner), owner,
                 psprintf("the chain of TID containers leads back to %u", id));
  }
}

ElementId ReadContainer(const Index& index, ElementId owner, ElementId id, TidEntry* entries,
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
