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

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_CODE_BOOK_H_
