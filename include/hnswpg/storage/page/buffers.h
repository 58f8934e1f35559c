// Finding a block in shared buffers without the buffer mapping table.
//
// Each backend keeps a guess, for the blocks of every index it reads, which
// buffer holds them: a direct-mapped table of buffer numbers, a few bytes a
// buffer of the server. A guess may be wrong at any time and is checked at every
// use against the buffer's own tag, so the table never needs invalidating.
//
// PinPage pins the buffer if the guess is right and asks the server otherwise. What
// looks at a guess without a pin is in peek.h.
//
// A guess says nothing of the page's content. Only pages that were found to be of the kind that
// belongs there are remembered, and PinPage looks at the kind each time, since the block may have
// been read from disk again.
//
// Pinning by a guess counts as a use of the buffer, as pinning it through the server does, so
// that the clock sweep does not take pages for unused that are found by guesses alone.
#ifndef HNSWPG_STORAGE_PAGE_BUFFERS_H_
#define HNSWPG_STORAGE_PAGE_BUFFERS_H_

#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// Pins the block; no content lock. Raises what reading raises, and
// ERRCODE_INDEX_CORRUPTED if the page is not of the kind that belongs there. To be sure of
// that it takes the content's lock, shared, for an instant: so what the caller has locked are
// blocks before this one. Not for the metapage.
Buffer PinPage(const HnswIndex& index, BlockNumber block);

// PinPage and a share lock on the content.
Buffer PinPageShared(const HnswIndex& index, BlockNumber block);

// For pages that others have pinned: the block was in this buffer a moment ago. A page of an index
// has been found to be of its kind.
void RememberBuffer(Relation rel, BlockNumber block, Buffer buffer);

// Pins such a page; InvalidBuffer if it is not there any more. Its content has to be
// checked anew.
Buffer PinIfRemembered(Relation rel, BlockNumber block);

// Pins a page of any kind, which may be all zeros still. Raises what reading raises. Does not
// remember it, for nobody has checked it yet.
Buffer PinAnyPage(Relation rel, BlockNumber block);

// The guesses for the blocks of a relation's main fork. A temporary table has none.
struct Guesses {
  const Buffer* table;
  uint32 mask;
  uint32 first;

  Buffer of(BlockNumber block) const { return table[(first + block) & mask]; }
};
Guesses GuessesOf(Relation rel);

// The count ends there, so pages in steady use cost no more than this.
inline bool HasMostUses(uint32 state) {
  return likely(BUF_STATE_GET_USAGECOUNT(state) >= BM_MAX_USAGE_COUNT);
}
// Counts a use of the buffer whose state was just read, unless it is another by now.
void CountUse(BufferDesc* desc, uint32 state);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_BUFFERS_H_
