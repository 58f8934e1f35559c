// Writing the pages of CREATE INDEX's own file, one after another: nobody else sees
// it, and it is logged as a whole in the end, so pages are changed in place.
#ifndef HNSWPG_STORAGE_PAGE_PAGE_CURSOR_H_
#define HNSWPG_STORAGE_PAGE_PAGE_CURSOR_H_

#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// Stays on a page, with a pin, from one change to the next, since those that follow
// each other are mostly on the same page. An error releases pin and lock.
class PageCursor {
 public:
  explicit PageCursor(const HnswIndex* index) : index_(index) {}

  // The page, locked exclusively until Unlock, initialised if it was never written.
  // The block exists. Where one process has several cursors, one holds a lock at a
  // time. Raises ERRCODE_INDEX_CORRUPTED.
  Page Lock(BlockNumber block);
  // The page was changed.
  void Unlock();
  // Writes `piece.bytes` bytes there. No lock at entry or exit.
  void Write(const Piece& piece, const char* bytes);
  // Lets go of the page.
  void Leave();

 private:
  const HnswIndex* index_;
  BlockNumber block_ = InvalidBlockNumber;
  Buffer buffer_ = InvalidBuffer;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_PAGE_CURSOR_H_
