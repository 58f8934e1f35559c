// A change of up to four pages that happens as a whole: one WAL record.
//
// Use: Want every block, Begin, change the pages that page() returns, Commit.
// Begin pins and locks the blocks in ascending order, whatever order they were
// wanted in, which is the lock order of the whole index. Blocks that do not hold
// a page of ours yet are initialised. If an error is raised between Begin and
// Commit, nothing is changed and the server's error handling releases the locks.
#ifndef HNSWPG_STORAGE_PAGE_PAGE_TXN_H_
#define HNSWPG_STORAGE_PAGE_PAGE_TXN_H_

#include "hnswpg/core/format/element.h"
#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// kLogged: through generic WAL (which itself skips unlogged and temporary
// relations). kBuilding: CREATE INDEX's own file, which nobody else sees and
// which is logged as a whole in the end; pages are changed in place.
enum class WriteMode { kLogged, kBuilding };

class PageTxn {
 public:
  static constexpr int kMaxPages = MAX_GENERIC_XLOG_PAGES;

  PageTxn(const HnswIndex& index, WriteMode mode) : index_(&index), mode_(mode) {}

  // At most kMaxPages different blocks, else an error is raised; the same block may be
  // wanted again. The block exists (EnsureBlock). A page of zeros is damage: it had content.
  void Want(BlockNumber block);
  // The same for a page that may never have been written to, which is made then: nothing that
  // is in use lies on it but what the change writes.
  void WantNew(BlockNumber block);
  // The same for a block that the caller has pinned and locked exclusively. It
  // stays so after Commit. Only the metapage, which is first in the lock order.
  void WantLocked(Buffer buffer);

  void Begin();
  Page page(BlockNumber block) const;
  Meta* meta() const { return MetaOf(page(kMetaBlock)); }
  // The slot of an element, the head of an upper list.
  char* slot(ElementId id) const {
    return page(index_->layout.SlotBlock(id)) + index_->layout.SlotOffset(id);
  }
  UpperHead* upper(UpperId id) const;
  // Puts a slot at the head of the free list. Its page and the metapage are part
  // of the change; what it was counted as is the caller's to correct.
  void FreeSlot(ElementId id);
  void Commit();
  // Instead of Commit: nothing has been changed.
  void Abandon();

 private:
  struct Part {
    BlockNumber block;
    Buffer buffer;
    Page page;
    bool callers;  // locked by the caller
    bool may_be_new;
  };
  void CheckRoom() const;
  Part* PartOf(BlockNumber block);
  void LockPart(Part* part);
  void Release();

  const HnswIndex* index_;
  WriteMode mode_;
  GenericXLogState* xlog_ = nullptr;
  Part parts_[kMaxPages];
  int n_ = 0;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_PAGE_TXN_H_
