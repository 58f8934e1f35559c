// Locks: one page's content at a time.
#include "hnswpg/storage/page/code_book.h"

extern "C" {
#include "utils/memutils.h"
}

#include <cmath>

#include "hnswpg/postgres/compat.h"

namespace hnswpg {
namespace {

// Centres that this process has read. They are few and small, and whoever has opened an
// index may keep a pointer to one across anything that drops a relation's cache entry, so
// they are never freed; the same one is not kept twice.
struct Known {
  Known* next;
  BufferTag file;
  uint16_t number;
  uint32_t bytes;
  float* centre;
};
Known* known = nullptr;

const float* Keep(Relation rel, uint16_t number, const float* centre, uint32_t bytes) {
  const BufferTag file = compat::TagOf(rel, kMetaBlock);
  for (const Known* k = known; k != nullptr; k = k->next) {
    if (k->number == number && k->bytes == bytes && compat::TagsEqual(k->file, file) &&
        memcmp(k->centre, centre, bytes) == 0) {
      return k->centre;
    }
  }
  char* memory =
      static_cast<char*>(MemoryContextAlloc(TopMemoryContext, MAXALIGN(sizeof(Known)) + bytes));
  float* copy = reinterpret_cast<float*>(memory + MAXALIGN(sizeof(Known)));
  memcpy(copy, centre, bytes);
  known = new (memory) Known{known, file, number, bytes, copy};
  return copy;
}

BookHead* BookHeadOf(Page page) { return reinterpret_cast<BookHead*>(PageGetContents(page)); }

}  // namespace

bool ReadCentre(Relation rel, const ElementLayout& layout, uint16_t number, const float** centre) {
  const BlockNumber last = layout.BookPiece(number % 2, layout.book_bytes() - 1).block;
  if (RelationGetNumberOfBlocks(rel) <= last) {
    ReportDamage(rel, last, kNoId, "the file ends before its code book does");
  }
  char* bytes = static_cast<char*>(palloc(layout.book_bytes()));
  bool complete = true;
  for (uint32_t done = 0; done < layout.book_bytes() && complete;) {
    const Piece piece = layout.BookPiece(number % 2, done);
    Buffer buffer = ReadBuffer(rel, piece.block);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    CheckPage(rel, BufferGetPage(buffer), piece.block, PageKind::kBook);
    complete = BookHeadOf(BufferGetPage(buffer))->number == number;
    memcpy(bytes + done, BufferGetPage(buffer) + piece.offset, piece.bytes);
    UnlockReleaseBuffer(buffer);
    done += piece.bytes;
  }
  const float* values = reinterpret_cast<const float*>(bytes);
  for (uint32_t i = 0; complete && i < layout.book_bytes() / sizeof(float); i++) {
    if (!std::isfinite(values[i])) {
      ReportDamage(rel, layout.BookPiece(number % 2, 0).block, kNoId,
                   "the centre of the code book is not finite");
    }
  }
  if (complete) *centre = Keep(rel, number, values, layout.book_bytes());
  pfree(bytes);
  return complete;
}

void WriteCentre(const HnswIndex& index, WriteMode mode, uint16_t number, const float* centre) {
  const char* bytes = reinterpret_cast<const char*>(centre);
  for (uint32_t done = 0; done < index.layout.book_bytes();) {
    const Piece piece = index.layout.BookPiece(number % 2, done);
    EnsureBlock(index.rel, piece.block);
    PageTxn txn(index, mode);
    txn.WantNew(piece.block);
    txn.Begin();
    Page page = txn.page(piece.block);
    ExtendContent(page, piece.offset + piece.bytes);
    *BookHeadOf(page) = BookHead{number, {}};
    memcpy(page + piece.offset, bytes + done, piece.bytes);
    txn.Commit();
    done += piece.bytes;
  }
}

}  // namespace hnswpg
