// A model of buffers that nobody has pinned: while they are looked at, the server may put other
// blocks into them and bring the first one back. The module for test/tap/060_peeks.pl is built
// with it (make build/lying/hnswpg.so); there each look sees a copy of the page, and of some copies
// some words are from elsewhere: from another place of the page, from another buffer, or zeros.
// So any two words of what is read may be of different times, and the look is confirmed all the
// same.
#include <cstdlib>

#include "hnswpg/storage/page/peek.h"

namespace hnswpg {
namespace {

// A walk looks at up to a list's members at a time, and each look is to keep what it saw.
constexpr int kCopies = 512;
constexpr uint32 kWords = BLCKSZ / sizeof(uint32);
constexpr uint32 kLyingWords = kWords / 32;
constexpr uint32 kTruthful = 4;   // one page of so many lies
constexpr uint32 kReplaced = 16;  // one lying page of so many is another page altogether

struct alignas(64) Copy {
  uint32 words[kWords];
};

uint64 state = 0;

uint32 Random(uint32 end) {
  if (state == 0) {
    const char* seed = getenv("HNSWPG_LIES");
    state = 0x9E3779B97F4A7C15u * (seed ? strtoul(seed, nullptr, 10) + 1 : 1);
  }
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<uint32>(state >> 33) % end;
}

const uint32* Words(Buffer buffer) {
  return reinterpret_cast<const uint32*>(BufferBlocks + static_cast<Size>(buffer - 1) * BLCKSZ);
}

const uint32* AnyBuffer() { return Words(static_cast<Buffer>(Random(NBuffers)) + 1); }

uint32 Lie(const Copy& copy, uint32 word) {
  switch (Random(3)) {
    case 0:
      return 0;
    case 1:
      return copy.words[Random(kWords)];
    default:
      return AnyBuffer()[word];
  }
}

}  // namespace

const char* LyingPage(Buffer buffer) {
  static Copy copies[kCopies];
  static uint32 next = 0;
  Copy& copy = copies[next++ % kCopies];
  const bool lies = Random(kTruthful) == 0;
  const bool replaced = lies && Random(kReplaced) == 0;
  memcpy(copy.words, replaced ? AnyBuffer() : Words(buffer), BLCKSZ);
  for (uint32 i = 0; lies && i < kLyingWords; i++) {
    const uint32 word = Random(kWords);
    copy.words[word] = Lie(copy, word);
  }
  return reinterpret_cast<const char*>(copy.words);
}

}  // namespace hnswpg
