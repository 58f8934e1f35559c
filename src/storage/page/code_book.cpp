// Locks: one page's content at a time.
#include "hnswpg/storage/page/code_book.h"

extern "C" {
#include "miscadmin.h"
#include "utils/memutils.h"
}

#include <algorithm>
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
    txn.Want(piece.block);
    txn.Begin();
    Page page = txn.page(piece.block);
    ExtendContent(page, piece.offset + piece.bytes);
    *BookHeadOf(page) = BookHead{number, {}};
    memcpy(page + piece.offset, bytes + done, piece.bytes);
    txn.Commit();
    done += piece.bytes;
  }
}

uint32_t SampleSize(uint32_t dim) {
  constexpr uint32_t kMost = 2048;
  constexpr uint32_t kFewest = 256;
  constexpr uint32_t kBytes = 16 * 1024 * 1024;
  return std::clamp<uint32_t>(kBytes / (dim * sizeof(float)), kFewest, kMost);
}

CentreFinder::CentreFinder(Metric metric, uint32_t dim, uint32_t capacity)
    : metric_(metric),
      dim_(dim),
      capacity_(capacity),
      vectors_(static_cast<float*>(MemoryContextAllocHuge(
          CurrentMemoryContext, static_cast<Size>(capacity) * dim * sizeof(float)))) {}

void CentreFinder::Add(const float* vector) {
  if (n_ == capacity_) return;
  double factor = 1;
  if (metric_ == Metric::kCosine) {
    double length2 = 0;
    for (uint32_t i = 0; i < dim_; i++) length2 += double{vector[i]} * vector[i];
    factor = length2 > 0 ? 1 / std::sqrt(length2) : 0;
  }
  float* out = vectors_ + static_cast<size_t>(n_++) * dim_;
  for (uint32_t i = 0; i < dim_; i++) out[i] = static_cast<float>(vector[i] * factor);
}

void CentreFinder::Find(float* centre) const {
  float* values = static_cast<float*>(palloc(n_ * sizeof(float)));
  const uint32_t begin = n_ / 4, end = std::max(n_ - n_ / 4, begin + 1);
  for (uint32_t i = 0; i < dim_; i++) {
    CHECK_FOR_INTERRUPTS();
    for (uint32_t k = 0; k < n_; k++) values[k] = vector(k)[i];
    std::nth_element(values, values + begin, values + n_);
    std::nth_element(values + begin, values + end - 1, values + n_);
    double sum = 0;
    for (uint32_t k = begin; k < end; k++) sum += values[k];
    centre[i] = static_cast<float>(sum / (end - begin));
  }
  pfree(values);
}

}  // namespace hnswpg
