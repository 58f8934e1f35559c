// The metapage's fields, as they lie on the page. (test/oracle/index_file.h says the
// same once more, on purpose: it is the second reader of the format.)
#ifndef HNSWPG_CORE_FORMAT_METAPAGE_H_
#define HNSWPG_CORE_FORMAT_METAPAGE_H_

#include <cstdint>

#include "hnswpg/core/limits.h"

namespace hnswpg {

inline constexpr uint32_t kMetaMagic = 0x57534E48;  // "HNSW"
inline constexpr uint32_t kFormatVersion = 3;

// How far the making of codes by a new book has come (src/storage/link/README.md).
enum class Recoding : uint32_t {
  kDone = 0,
  kCoding = 1,   // codes by the book in force are written, to be measured exactly as yet
  kJudging = 2,  // each of those is judged
};

// The metapage, behind the page header. Guarded by the metapage's content lock.
struct Meta {
  uint32_t magic;
  uint32_t version;
  // Fixed when the index is created; they determine the layout.
  uint32_t dim;
  uint16_t m;
  uint16_t ef_construction;
  uint8_t metric;
  uint8_t quantization;
  uint8_t automatic;  // the quantization was chosen by the index, for its data
  uint8_t representation;
  // The graph; changed by the graph writer alone.
  ElementId entry;  // kNoId: nothing is linked
  uint32_t entry_level;
  // Slots. Ids at or above next_* were never used.
  uint32_t next_element;
  uint32_t next_upper;
  ElementId free_elements;  // head of the free list
  UpperId free_uppers;
  // The elements not yet linked: runs [first_run, first_run + n_runs) of the array
  // behind this struct (hnswpg/core/format/pending_runs.h).
  uint16_t first_run;
  uint16_t n_runs;
  // Counts of slots by state.
  uint32_t n_pending;
  uint32_t n_linked;
  uint32_t n_dead;
  uint32_t n_tid_slots;
  uint32_t n_free;
  uint32_t n_free_uppers;
  uint64_t n_tids;    // heap TIDs in the index, those of pending elements too
  int64_t last_sync;  // when an element was linked last, a TimestampTz; 0: never
  // Changes whenever cleanup has moved elements in the tree of parents: a walk during which it
  // has not changed, and was even, has missed nothing for that reason. See below.
  uint32_t n_reroutings;
  // What a reader has to know of beyond this version, or must not go on: bits, none yet.
  uint32_t features;
  // What an element takes (hnswpg/core/format/layout.h), and of what else a slot may have one
  // day: bytes beside each heap TID, and behind the neighbours. Those are 0.
  uint32_t payload_bytes;
  uint32_t exact_bytes;
  uint32_t book_bytes;
  uint16_t tid_bytes;
  uint16_t node_bytes;
  // The code book in force: 0 without codes, 1 the origin, which is not stored, else it
  // is in place `book % 2`.
  uint16_t book;
  uint16_t unused2;
  // Linked elements that are measured exactly: all but those whose slots name the book in
  // force and no more. And how many were linked in all when it was learnt, or when a better
  // one was last looked for in vain; 0: never.
  uint32_t n_exact;
  uint32_t n_when_learnt;
  // n_exact as it was when that was over.
  uint32_t n_exact_when_learnt;
  // The codes that are being made anew: how far, and the elements below which that is done.
  Recoding recoding;
  uint32_t recoding_at;
  uint32_t unused3[6];
};
static_assert(sizeof(Meta) == 160);

// --- Meta::n_reroutings ---
// It changes whenever ways to elements have changed, so that a walk which was under way then is
// done again; and it is odd as long as two elements are changing places, which a walk that began
// after that was announced and ended before it was done would not notice otherwise.

inline uint32_t BeginRerouting(uint32_t n_reroutings) { return n_reroutings | 1; }
inline uint32_t EndRerouting(uint32_t n_reroutings) { return (n_reroutings | 1) + 1; }
inline bool IsRerouting(uint32_t n_reroutings) { return n_reroutings % 2 == 1; }

}  // namespace hnswpg

#endif  // HNSWPG_CORE_FORMAT_METAPAGE_H_
