#include "hnswpg/storage/insert/element_writer.h"

extern "C" {
#include "common/pg_prng.h"
}

#include <algorithm>
#include <cmath>

#include "hnswpg/storage/graph/slot_reader.h"
#include "hnswpg/storage/page/buffers.h"
#include "hnswpg/storage/page/pending.h"

namespace hnswpg {

int RandomLevel(int m) {
  // 1 - u is in (0, 1], so the logarithm is finite.
  const double u = 1.0 - pg_prng_double(&pg_global_prng_state);
  return std::min(static_cast<int>(-std::log(u) / std::log(m)), kMaxLevel);
}

namespace {

// A run of bytes to be written to a page.
struct Write {
  Piece piece;
  const char* bytes;
};

// 16,000 floats lie on at most 9 vector pages, and the payload on as many.
constexpr int kMaxOuterWrites =
    2 * (kMaxDim * sizeof(float) / (kContentEnd - kPageHeaderBytes) + 2);

// Everything of the element that does not lie in its slot's first page.
int OuterWrites(const HnswIndex& index, ElementId id, const char* code, const void* vector,
                Write* out) {
  const ElementLayout& layout = index.layout;
  int n = 0;
  const char* payload = code + sizeof(CodeHeader);
  for (uint32_t i = 0; i < layout.payload_pieces(); i++) {
    const Piece piece = layout.PayloadPiece(id, i);
    if (i > 0) out[n++] = {piece, payload};
    payload += piece.bytes;
  }
  for (uint32_t done = 0; done < layout.vector_bytes();) {
    const Piece piece = layout.VectorPiece(id, done);
    out[n++] = {piece, static_cast<const char*>(vector) + done};
    done += piece.bytes;
  }
  return n;
}

// The writes ascend.
BlockNumber LastBlock(const HnswIndex& index, ElementId id, const Write* writes, int n) {
  return n > 0 ? writes[n - 1].piece.block : index.layout.SlotBlock(id);
}

void Apply(PageTxn* txn, const Write& write) {
  Page page = txn->page(write.piece.block);
  memcpy(page + write.piece.offset, write.bytes, write.piece.bytes);
  ExtendContent(page, write.piece.offset + write.piece.bytes);
}

// The slot to use. Metapage locked.
struct Place {
  ElementId id;
  ElementId next_free;  // what the free list's head becomes
  bool fresh;
};

// Whoever is first to use a page makes it; a page of zeros with others on it has lost them.
void WantPage(PageTxn* txn, const Place& place, BlockNumber block, bool first_on_page) {
  if (place.fresh && first_on_page) {
    txn->WantNew(block);
  } else {
    txn->Want(block);
  }
}

void WantPageOf(PageTxn* txn, const Place& place, const Write& write) {
  WantPage(txn, place, write.piece.block, write.piece.offset == kPageHeaderBytes);
}

// Each in a record of its own.
void ApplyEach(const HnswIndex& index, WriteMode mode, const Place& place, const Write* writes,
               int n) {
  for (int i = 0; i < n; i++) {
    PageTxn txn(index, mode);
    WantPageOf(&txn, place, writes[i]);
    txn.Begin();
    Apply(&txn, writes[i]);
    txn.Commit();
  }
}

// The first free slot, else a new one; a new one too where the pending list has no
// room for a run of ids that are not consecutive.
Place ChoosePlace(const HnswIndex& index, const Meta& meta) {
  if (meta.free_elements != kNoId && HasRoomForRun(meta)) {
    if (meta.free_elements >= meta.next_element) {
      ReportDamage(index.rel, kMetaBlock, kNoId,
                   "the free list leads to a slot that does not exist");
    }
    SlotCopy copy;
    ReadSlot(index, meta.free_elements, &copy, nullptr);
    if (copy.head.state != SlotState::kFree) {
      ReportDamage(index.rel, index.layout.SlotBlock(meta.free_elements), meta.free_elements,
                   "on the free list, but in use");
    }
    return {meta.free_elements, copy.tail.next, false};
  }
  const uint32_t end = index.layout.BlocksFor(meta.next_element + 1, 0);
  if (meta.next_element >= kMaxElements || end > MaxBlockNumber) {
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                    errmsg("index \"%s\" is full", RelationGetRelationName(index.rel)),
                    errdetail("It has used %u elements.", meta.next_element)));
  }
  return {meta.next_element, kNoId, true};
}

// What is to be written.
struct NewElement {
  const char* code;
  ItemPointer tid;
  ElementId equal;  // perhaps; or kNoId
};

// Fills slot `id`, whose page is part of the change.
void FillSlot(const HnswIndex& index, PageTxn* txn, ElementId id, const NewElement& element) {
  char* slot = txn->slot(id);
  ExtendContent(txn->page(index.layout.SlotBlock(id)),
                index.layout.SlotOffset(id) + index.layout.slot_bytes());
  ElementHead* head = HeadAt(slot);
  ElementTail* tail = TailAt(slot, index.layout);
  // Of a slot that counts as never used too: it may have had a life before its page was
  // to be given back, and a scan may remember that.
  const uint32_t version = tail->version + 1;
  *head = ElementHead{};
  head->state = SlotState::kPending;
  head->level = RandomLevel(index.meta.m);
  head->book = index.parameters.book;
  WriteCodeAt(slot, element.code, index.layout);
  *tail = ElementTail{};
  tail->version = version;
  tail->parent = kNoId;
  tail->next = element.equal;
  tail->upper = kNoId;
  tail->more_tids = kNoId;
  tail->n_tids = 1;
  tail->tids[0] = EntryOf(element.tid);
}

// The record that makes the element exist: slot and metapage.
void CommitElement(const HnswIndex& index, PageTxn* txn, const Place& place,
                   const NewElement& element) {
  FillSlot(index, txn, place.id, element);
  Meta* meta = txn->meta();
  if (place.fresh) {
    meta->next_element = place.id + 1;
  } else {
    meta->free_elements = place.next_free;
    meta->n_free--;
  }
  meta->n_tids++;
  AppendPending(txn->page(kMetaBlock), place.id);
}

}  // namespace

Written WriteElement(const HnswIndex& index, WriteMode mode, const void* vector, ItemPointer tid,
                     ElementId equal) {
  const ElementLayout& layout = index.layout;
  char* code = static_cast<char*>(palloc(index.space.code_bytes()));
  index.space.Encode(vector, code);
  Write writes[kMaxOuterWrites];

  Buffer meta_buffer = ReadBuffer(index.rel, kMetaBlock);
  LockBuffer(meta_buffer, BUFFER_LOCK_EXCLUSIVE);
  const Meta meta = *MetaOf(BufferGetPage(meta_buffer));
  const Place place = ChoosePlace(index, meta);
  const int n = OuterWrites(index, place.id, code, vector, writes);
  EnsureBlock(index.rel, LastBlock(index, place.id, writes, n));

  PageTxn txn(index, mode);
  txn.WantLocked(meta_buffer);
  WantPage(&txn, place, layout.SlotBlock(place.id), layout.SlotOffset(place.id) == kSlotsBegin);
  // The usual element's vector fits into the same record; of a wider one, the
  // outer parts go first.
  const bool together = n <= PageTxn::kMaxPages - 2;
  if (!together) ApplyEach(index, mode, place, writes, n);
  const int n_inner = together ? n : 0;
  for (int i = 0; i < n_inner; i++) WantPageOf(&txn, place, writes[i]);
  txn.Begin();
  for (int i = 0; i < n_inner; i++) Apply(&txn, writes[i]);
  CommitElement(index, &txn, place, NewElement{code, tid, equal});
  const uint32_t n_pending = txn.meta()->n_pending;
  txn.Commit();
  UnlockReleaseBuffer(meta_buffer);
  pfree(code);
  return {place.id, n_pending};
}

}  // namespace hnswpg
