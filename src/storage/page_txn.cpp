#include "hnswpg/storage/page_txn.h"

#include "hnswpg/storage/buffer_hint.h"

extern "C" {
#include "access/xlog.h"
}

#include <algorithm>

namespace hnswpg {

// Which pages a change takes depends on what the index holds, so a fault here must not
// become one of memory.
void PageTxn::CheckRoom() const {
  if (n_ >= kMaxPages) elog(ERROR, "hnswpg: a change of more than %d pages", kMaxPages);
}

void PageTxn::Want(BlockNumber block) {
  for (int i = 0; i < n_; i++) {
    if (parts_[i].block == block) return;
  }
  CheckRoom();
  parts_[n_++] = Part{block, InvalidBuffer, nullptr, false};
}

void PageTxn::WantLocked(Buffer buffer) {
  CheckRoom();
  parts_[n_++] = Part{BufferGetBlockNumber(buffer), buffer, nullptr, true};
}

void PageTxn::LockPart(Part* part) {
  const PageKind kind =
      part->block == kMetaBlock ? PageKind::kMeta : index_->layout.KindOf(part->block);
  if (!part->callers) {
    part->buffer = PinAnyPage(index_->rel, part->block);
    LockBuffer(part->buffer, BUFFER_LOCK_EXCLUSIVE);
  }
  Page page = BufferGetPage(part->buffer);
  const bool fresh = PageIsNew(page);
  if (!fresh) {
    CheckPage(index_->rel, page, part->block, kind);
    RememberBuffer(index_->rel, part->block, part->buffer);
  }
  if (mode_ == WriteMode::kLogged) {
    page = GenericXLogRegisterBuffer(xlog_, part->buffer, fresh ? GENERIC_XLOG_FULL_IMAGE : 0);
  }
  if (fresh) InitPage(page, kind);
  // Generic WAL logs whatever lies between the old and the new pd_lower, so a slot
  // that is added would be logged with all the zeros where its links will be. So the
  // page counts as full from the beginning, and its first image, which is nearly all
  // zeros, is compressed.
  if (fresh && kind == PageKind::kGraph && mode_ == WriteMode::kLogged) {
    ExtendContent(page, kContentEnd);
    compress_ = true;
  }
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

namespace {

// GenericXLogFinish raises no error (it would be in a critical section), so the
// setting is as it was afterwards in any case.
void FinishCompressed(GenericXLogState* xlog) {
#ifdef USE_LZ4
  constexpr int kMethod = WAL_COMPRESSION_LZ4;  // ten times as fast
#else
  constexpr int kMethod = WAL_COMPRESSION_PGLZ;
#endif
  const int setting = wal_compression;
  if (setting == WAL_COMPRESSION_NONE) wal_compression = kMethod;
  GenericXLogFinish(xlog);
  wal_compression = setting;
}

}  // namespace

void PageTxn::Commit() {
  if (mode_ == WriteMode::kLogged) {
    if (compress_) {
      FinishCompressed(xlog_);
    } else {
      GenericXLogFinish(xlog_);
    }
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
  compress_ = false;
}

}  // namespace hnswpg
