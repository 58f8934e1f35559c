// Finding a block in shared buffers without the buffer mapping table.
//
// Each backend keeps a guess, for the blocks of every index it reads, which
// buffer holds them: a direct-mapped table of buffer numbers, a few bytes a
// buffer of the server. A guess may be wrong at any time and is checked at every
// use against the buffer's own tag, so the table never needs invalidating.
//
// Two ways to use a guess. PinPage pins the buffer if the guess is right and
// asks the server otherwise. A Peeker does not pin at all: the caller reads from
// the page and asks afterwards, with StillHolds, whether the buffer held the
// block while it read. That is only for values that steer the walk and are
// checked again before anything is returned (src/storage/README.md, "Reading
// without a lock").
//
// Either way counts as a use of the buffer, as pinning it through the server does, so
// that the clock sweep does not take pages for unused that are found by guesses alone.
#ifndef HNSWPG_STORAGE_BUFFER_HINT_H_
#define HNSWPG_STORAGE_BUFFER_HINT_H_

#include "hnswpg/storage/index.h"

namespace hnswpg {

// Pins the block; no content lock. Raises what reading raises, and
// ERRCODE_INDEX_CORRUPTED if the page is not of the kind that belongs there.
Buffer PinPage(const Index& index, BlockNumber block);

// PinPage and a share lock on the content.
Buffer PinPageShared(const Index& index, BlockNumber block);

// A look at a page that is neither pinned nor locked.
struct Peek {
  const char* page;  // null: no guess
  Buffer buffer;
};

// Looks at pages of one relation's main fork. A plain value: where the guesses are does not change,
// and what they say may.
class Peeker {
 public:
  // Of a temporary table there are no guesses.
  explicit Peeker(Relation rel);

  Peek Look(BlockNumber block) const {
    const Buffer guess = guesses_[(first_ + block) & mask_];
    if (unlikely(guess == InvalidBuffer)) return {nullptr, InvalidBuffer};
    return {BufferBlocks + static_cast<Size>(guess - 1) * BLCKSZ, guess};
  }
  // The slot of an element, and the look at its block; null if there is no guess.
  const char* LookAtSlot(const Index& index, ElementId id, BlockNumber* block, Peek* peek) const {
    uint32_t offset;
    index.layout.Locate(id, block, &offset);
    *peek = Look(*block);
    return peek->page == nullptr ? nullptr : peek->page + offset;
  }
  // As Look, through the server where there is no guess: never null. Not for temporary
  // tables. Raises what PinPage raises.
  Peek LookOrFetch(const Index& index, BlockNumber block) const {
    const Peek peek = Look(block);
    return likely(peek.page != nullptr) ? peek : Fetch(index, block);
  }

 private:
  static Peek Fetch(const Index& index, BlockNumber block);

  const Buffer* guesses_;
  uint32 mask_;
  uint32 first_;
};

// For pages that others have pinned: the block was in this buffer a moment ago.
void RememberBuffer(Relation rel, BlockNumber block, Buffer buffer);

// Pins such a page; InvalidBuffer if it is not there any more.
Buffer PinIfRemembered(Relation rel, BlockNumber block);

// Pins a page of any kind, which may be all zeros still. Raises what reading raises.
Buffer PinAnyPage(Relation rel, BlockNumber block);

// The count ends there, so pages in steady use cost no more than this.
inline bool HasMostUses(uint32 state) {
  return likely(BUF_STATE_GET_USAGECOUNT(state) >= BM_MAX_USAGE_COUNT);
}
// Counts a use of the buffer whose state was just read, unless it is another by now.
void CountUse(BufferDesc* desc, uint32 state);

// Whether the buffer holds the block now; if so, the use is counted. False negatives
// never, false positives only if the block left the buffer and came back since the look.
inline bool StillHolds(const Peek& peek, const BufferTag& tag) {
  BufferDesc* desc = GetBufferDescriptor(peek.buffer - 1);
  if (!compat::TagsEqual(desc->tag, tag)) return false;
  const uint32 state = pg_atomic_read_u32(&desc->state);
  if ((state & BM_VALID) == 0) return false;
  if (!HasMostUses(state)) CountUse(desc, state);
  return true;
}

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_BUFFER_HINT_H_
