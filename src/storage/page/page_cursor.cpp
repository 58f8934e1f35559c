#include "hnswpg/storage/page/page_cursor.h"

namespace hnswpg {

Page PageCursor::Lock(BlockNumber block) {
  if (block != block_) {
    Leave();
    buffer_ = ReadBuffer(index_->rel, block);
    block_ = block;
  }
  LockBuffer(buffer_, BUFFER_LOCK_EXCLUSIVE);
  Page page = BufferGetPage(buffer_);
  const PageKind kind = index_->layout.KindOf(block);
  if (PageIsNew(page)) {
    InitPage(page, kind);
  } else {
    CheckPage(index_->rel, page, block, kind);
  }
  return page;
}

void PageCursor::Unlock() {
  MarkBufferDirty(buffer_);
  LockBuffer(buffer_, BUFFER_LOCK_UNLOCK);
}

void PageCursor::Write(const Piece& piece, const char* bytes) {
  Page page = Lock(piece.block);
  memcpy(page + piece.offset, bytes, piece.bytes);
  ExtendContent(page, piece.offset + piece.bytes);
  Unlock();
}

void PageCursor::Leave() {
  if (BufferIsValid(buffer_)) ReleaseBuffer(buffer_);
  buffer_ = InvalidBuffer;
  block_ = InvalidBlockNumber;
}

}  // namespace hnswpg
