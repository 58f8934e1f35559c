#include "hnswpg/storage/page/buffers.h"

#include <cstdlib>

#include "hnswpg/storage/page/peek.h"

namespace hnswpg {
namespace {

Buffer* table = nullptr;
uint32 mask = 0;

// The table lives as long as the backend. calloc: large blocks of it are mapped
// lazily, so a fresh connection pays only for what it touches.
bool EnsureTable() {
  if (table) return true;
  uint64 size = 1024;
  while (size < 2 * static_cast<uint64>(NBuffers)) size *= 2;
  table = static_cast<Buffer*>(calloc(size, sizeof(Buffer)));
  mask = static_cast<uint32>(size - 1);
  return table != nullptr;
}

// Before the mask is applied, where a file's guesses begin; they follow each other.
uint32 FirstGuess(Relation rel) { return compat::FileNumberOf(rel) * 0x9E3779B1u; }

// Null for a temporary table.
Buffer* Guess(Relation rel, BlockNumber block) {
  if (RelationUsesLocalBuffers(rel) || !EnsureTable()) return nullptr;
  return &table[(FirstGuess(rel) + block) & mask];
}

}  // namespace

// Like PinBuffer of the server, of which this is the half: the state may be exchanged by
// everybody while its lock bit is not set.
void CountUse(BufferDesc* desc, uint32 state) {
  if (HasMostUses(state) || (state & BM_LOCKED) != 0) return;
  pg_atomic_compare_exchange_u32(&desc->state, &state, state + BUF_USAGECOUNT_ONE);
}

namespace {

// Whoever fills a page has its content locked: a standby brings a page back that is all zeros until
// it has copied the image from the log, and everybody may pin it meanwhile. So only what the page
// is under the lock is damage.
void CheckKind(const HnswIndex& index, Buffer buffer, BlockNumber block) {
  Page page = BufferGetPage(buffer);
  const PageKind kind = index.layout.KindOf(block);
  if (likely(PageIsOfKind(page, kind))) return;
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  CheckPage(index.rel, page, block, kind);
  LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
}

}  // namespace

Buffer PinPage(const HnswIndex& index, BlockNumber block) {
  const Buffer guessed = PinIfRemembered(index.rel, block);
  const Buffer buffer = guessed != InvalidBuffer ? guessed : ReadBuffer(index.rel, block);
  CheckKind(index, buffer, block);
  if (guessed == InvalidBuffer) RememberBuffer(index.rel, block, buffer);
  return buffer;
}

Buffer PinPageShared(const HnswIndex& index, BlockNumber block) {
  Buffer buffer = PinPage(index, block);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  return buffer;
}

void RememberBuffer(Relation rel, BlockNumber block, Buffer buffer) {
  Buffer* guess = Guess(rel, block);
  if (guess) *guess = buffer;
}

Buffer PinIfRemembered(Relation rel, BlockNumber block) {
  const Buffer* guess = Guess(rel, block);
  if (!guess || *guess == InvalidBuffer ||
      !ReadRecentBuffer(compat::LocatorOf(rel), MAIN_FORKNUM, block, *guess)) {
    return InvalidBuffer;
  }
  // Which the server does not do when it pins a buffer this way.
  BufferDesc* desc = GetBufferDescriptor(*guess - 1);
  CountUse(desc, pg_atomic_read_u32(&desc->state));
  return *guess;
}

Buffer PinAnyPage(Relation rel, BlockNumber block) {
  const Buffer buffer = PinIfRemembered(rel, block);
  return buffer != InvalidBuffer ? buffer : ReadBuffer(rel, block);
}

Guesses GuessesOf(Relation rel) {
  static constexpr Buffer kNone = InvalidBuffer;
  const bool shared = !RelationUsesLocalBuffers(rel) && EnsureTable();
  return {shared ? table : &kNone, shared ? mask : 0, FirstGuess(rel)};
}

// Where pages come from disk one after another, interrupts are answered between them.
Peek Peeker::Fetch(const HnswIndex& index, BlockNumber block) {
  CHECK_FOR_INTERRUPTS();
  const Buffer buffer = PinPage(index, block);
  ReleaseBuffer(buffer);
  return {static_cast<const char*>(BufferGetPage(buffer)), buffer};
}

}  // namespace hnswpg
