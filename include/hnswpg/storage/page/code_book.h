// The code book of an index: what its codes are relative to, learnt from its vectors. It
// is the centre: dim floats, for cosine of vectors of length 1.
//
// A book has a number and lies in one of two places in turn, so the one in force stays as
// it is until the metapage names the next. Each of its pages has the number, so a reader
// who comes late sees that it is another book. Each slot says by which book its code is;
// a code by another one than the reader's is not used, the vector is.
#ifndef HNSWPG_STORAGE_PAGE_CODE_BOOK_H_
#define HNSWPG_STORAGE_PAGE_CODE_BOOK_H_

#include "hnswpg/storage/page/page_txn.h"

namespace hnswpg {

// The book `number` of the index's file; it stays in memory as long as the process. One
// page's share lock at a time, taken and released. False if another one is in its place
// by now. Raises ERRCODE_INDEX_CORRUPTED.
bool ReadCentre(Relation rel, const ElementLayout& layout, uint16_t number, const float** centre);

// Writes a book, a record a page; the metapage does not name it yet. Nobody else writes
// one: under the maintenance lock, or while the index is built. Makes the pages.
void WriteCentre(const HnswIndex& index, WriteMode mode, uint16_t number, const float* centre);

// How many vectors of so many dimensions a centre is learnt from: fewer of very long ones.
uint32_t SampleSize(uint32_t dim);

// A centre for vectors: of each dimension the mean of what lies between the quartiles, so
// that a few far away do not move it. Dimension by dimension, interruptibly.
class CentreFinder {
 public:
  // For cosine of vectors scaled to length 1. Memory from the current context.
  CentreFinder(Metric metric, uint32_t dim, uint32_t capacity);
  void Add(const float* vector);  // while n() < capacity
  uint32_t n() const { return n_; }
  // The k-th vector as it was added, but for cosine's length.
  const float* vector(uint32_t k) const { return vectors_ + static_cast<size_t>(k) * dim_; }
  // Writes dim floats. n() > 0.
  void Find(float* centre) const;

 private:
  Metric metric_;
  uint32_t dim_;
  uint32_t capacity_;
  uint32_t n_ = 0;
  float* vectors_;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_CODE_BOOK_H_
