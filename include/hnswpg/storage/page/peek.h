// Looking at pages of shared buffers that are neither pinned nor locked.
//
// The caller asks for the buffer that a block is guessed to be in (buffers.h), reads from it,
// and asks afterwards, with StillHolds, whether the buffer holds the block. Whatever was read is a
// hint: the buffer may have held other bytes while they were read, although the answer is yes
// (src/storage/page/README.md, "Reading without a lock"). So only what is checked again before it counts
// may be decided from it: where a walk goes. What is written to a page, and what a scan returns,
// is read from pages that are pinned or locked. scripts/check-boundary knows the few files that may
// look, and test/tap/060_peeks.pl runs with looks that lie.
//
// A look that is confirmed counts as a use of the buffer, as pinning it does, so that the server's
// clock sweep does not take pages for unused that are found by guesses alone.
#ifndef HNSWPG_STORAGE_PAGE_PEEK_H_
#define HNSWPG_STORAGE_PAGE_PEEK_H_

#include "hnswpg/storage/page/buffers.h"

namespace hnswpg {

// A look at a page that is neither pinned nor locked.
struct Peek {
  const char* page;  // null: no guess
  Buffer buffer;
};

#ifdef HNSWPG_LYING_PEEKS
// Of the module for test/tap/060_peeks.pl alone: the page with some of its words replaced, as a
// buffer may show it that held other blocks while it was read.
const char* LyingPage(Buffer buffer);
#endif

// Looks at pages of one relation's main fork. A plain value: where the guesses are does not change,
// and what they say may.
class Peeker {
 public:
  // Of a temporary table there are no guesses.
  explicit Peeker(Relation rel) : guesses_(GuessesOf(rel)) {}

  Peek Look(BlockNumber block) const {
    const Buffer guess = guesses_.of(block);
    if (unlikely(guess == InvalidBuffer)) return {nullptr, InvalidBuffer};
#ifdef HNSWPG_LYING_PEEKS
    return {LyingPage(guess), guess};
#else
    return {BufferBlocks + static_cast<Size>(guess - 1) * BLCKSZ, guess};
#endif
  }
  // The slot of an element, and the look at its block; null if there is no guess.
  const char* LookAtSlot(const HnswIndex& index, ElementId id, BlockNumber* block,
                         Peek* peek) const {
    uint32_t offset;
    index.layout.Locate(id, block, &offset);
    *peek = Look(*block);
    return peek->page == nullptr ? nullptr : peek->page + offset;
  }
  // As Look, through the server where there is no guess: never null. Not for temporary
  // tables. Raises what PinPage raises.
  Peek LookOrFetch(const HnswIndex& index, BlockNumber block) const {
    const Peek peek = Look(block);
    return likely(peek.page != nullptr) ? peek : Fetch(index, block);
  }

 private:
  static Peek Fetch(const HnswIndex& index, BlockNumber block);

  Guesses guesses_;
};

// Whether the buffer holds the block now, and `*state`, its state. Its header may be changing while
// it is locked: the server gives a buffer its new tag before it takes back that the content is
// valid. So a locked header counts as another block's.
inline bool HoldsNow(const Peek& peek, const BufferTag& tag, uint32* state) {
  BufferDesc* desc = GetBufferDescriptor(peek.buffer - 1);
  if (!compat::TagsEqual(desc->tag, tag)) return false;
  // The tag first. The other way round, a state from before the buffer changed hands could be
  // taken together with the tag from after it.
  pg_read_barrier();
  *state = pg_atomic_read_u32(&desc->state);
  return (*state & (BM_VALID | BM_LOCKED)) == BM_VALID;
}

// To be asked before reading, where that costs nothing: with StillHolds afterwards, only a block
// that leaves the buffer and comes back in between goes unseen.
inline bool Holds(const Peek& peek, const BufferTag& tag) {
  uint32 state;
  if (!HoldsNow(peek, tag, &state)) return false;
  pg_read_barrier();
  return true;
}

// Whether the buffer holds the block after all that was read of it, which the caller has put a read
// barrier behind; if so, the use is counted. No always means that the block has to be read in
// another way. Yes means no more than it says: the block may have come into the buffer since the
// look.
inline bool StillHolds(const Peek& peek, const BufferTag& tag) {
  uint32 state;
  if (!HoldsNow(peek, tag, &state)) return false;
  if (!HasMostUses(state)) CountUse(GetBufferDescriptor(peek.buffer - 1), state);
  return true;
}

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_PEEK_H_
