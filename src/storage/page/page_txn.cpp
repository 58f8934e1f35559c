#include "hnswpg/storage/page/page_txn.h"

#include "hnswpg/storage/page/buffers.h"

#include <algorithm>

namespace hnswpg {

// Which pages a change takes depends on what the index holds, so a fault here must not
// become one of memory.
void PageTxn::CheckRoom() const {
  if (n_ >= kMaxPages) elog(ERROR, "hnswpg: a change of more than %d pages", kMaxPages);
}

PageTxn::Part* PageTxn::PartOf(BlockNumber block) {
  for (int i = 0; i < n_; i++) {
    if (parts_[i].block == block) return &parts_[i];
  }
  CheckRoom();
  parts_[n_] = Part{block, InvalidBuffer, nullptr, false, false};
  return &parts_[n_++];
}

void PageTxn::Want(BlockNumber block) { PartOf(block); }

void PageTxn::WantNew(BlockNumber block) { PartOf(block)->may_be_new = true; }

void PageTxn::WantLocked(Buffer buffer) {
  CheckRoom();
  parts_[n_++] = Part{BufferGetBlockNumber(buffer), buffer, nullptr, true, false};
}

void PageTxn::LockPart(Part* part) {
  const PageKind kind =
      part->block == kMetaBlock ? PageKind::kMeta : index_->layout.KindOf(part->block);
  if (!part->callers) {
    part->buffer = PinAnyPage(index_->rel, part->block);
    LockBuffer(part->buffer, BUFFER_LOCK_EXCLUSIVE);
  }
  Page page = BufferGetPage(part->buffer);
  const bool fresh = part->may_be_new && PageIsNew(page);
  if (!fresh) {
    CheckPage(index_->rel, page, part->block, kind);
    RememberBuffer(index_->rel, part->block, part->buffer);
  }
  if (mode_ == WriteMode::kLogged) {
    page = GenericXLogRegisterBuffer(xlog_, part->buffer, fresh ? GENERIC_XLOG_FULL_IMAGE : 0);
  }
  if (fresh) InitPage(page, kind);
  part->page = page;
}

void PageTxn::Begin() {
  std::sort(parts_, parts_ + n_, [](const Part& a, const Part& b) { return a.block < b.block; });
  if (mode_ == WriteMode::kLogged) xlog_ = GenericXLogStart(index_->rel);
  for (int i = 0; i < n_; i++) LockPart(&parts_[i]);
}

Page PageTxn::page(BlockNumber block) const {
  for (int i = 0; i < n_; i++) {
    if (parts_[i].block == block) return parts_[i].page;
  }
  elog(ERROR, "hnswpg: block %u is not part of this change", block);
  pg_unreachable();
}

UpperHead* PageTxn::upper(UpperId id) const {
  return UpperAt(page(index_->layout.UpperBlock(id)), index_->layout.UpperOffset(id));
}

void PageTxn::FreeSlot(ElementId id) {
  char* at = slot(id);
  HeadAt(at)->state = SlotState::kFree;
  ElementTail* tail = TailAt(at, index_->layout);
  // The version goes on counting: the next life of the slot is another one.
  tail->version++;
  tail->n_tids = 0;
  tail->n_links = 0;
  tail->next = meta()->free_elements;
  meta()->free_elements = id;
  meta()->n_free++;
}

void PageTxn::Commit() {
  if (mode_ == WriteMode::kLogged) {
    GenericXLogFinish(xlog_);
  } else {
    for (int i = 0; i < n_; i++) MarkBufferDirty(parts_[i].buffer);
  }
  Release();
}

void PageTxn::Abandon() {
  if (mode_ == WriteMode::kLogged) GenericXLogAbort(xlog_);
  Release();
}

void PageTxn::Release() {
  for (int i = n_ - 1; i >= 0; i--) {
    if (!parts_[i].callers) UnlockReleaseBuffer(parts_[i].buffer);
  }
  n_ = 0;
}

}  // namespace hnswpg
