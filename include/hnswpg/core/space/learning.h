// When an index should learn a new code book, and when one is worth taking.
//
// An element that its code does not tell from its neighbours is measured by its vector. That
// is right, and slow; so what counts is how many of those there are, not how far the data lie
// from the centre.
//
// No locks, no memory, no errors.
#ifndef HNSWPG_CORE_SPACE_LEARNING_H_
#define HNSWPG_CORE_SPACE_LEARNING_H_

#include <cstdint>

namespace hnswpg {

// What an index knows of its codes.
struct CodeCounts {
  uint32_t n_linked;
  uint32_t n_exact;  // of them measured by their vectors
  // The same when a book was learnt last, or looked for in vain. 0 linked: never.
  uint32_t n_linked_then;
  uint32_t n_exact_then;
};

// A centre of fewer says little, and an index of so few is fast anyway.
inline constexpr uint32_t kFewestToLearn = 1000;
// One element in so many has to have become blind since then.
inline constexpr uint32_t kBlindToLearn = 8;
// A new book has to make one in so many good, or making all codes anew does not pay.
inline constexpr uint32_t kBetterToTake = 16;

// Not by growth: an index whose rows have all been replaced may hold as many as before. And
// not by all that is blind: on some data no book does, and it would be looked for for ever.
inline bool LearningIsDue(const CodeCounts& c) {
  if (c.n_linked < kFewestToLearn) return false;
  if (c.n_linked_then == 0) return true;
  return c.n_exact > c.n_exact_then && c.n_exact - c.n_exact_then > c.n_linked / kBlindToLearn;
}

// What CodeCounts::n_exact_then becomes when an element that is measured exactly dies. Which of
// them were so then is not known, and the old ones go first; so rows that are all replaced by
// others that are blind as well make the index look again.
inline uint32_t ExactThenWithoutOne(uint32_t n_exact_then) {
  return n_exact_then > 0 ? n_exact_then - 1 : 0;
}

// Of `probes` elements so many are blind by the old book and by the new one.
inline bool IsWorthTaking(uint32_t probes, uint32_t old_blind, uint32_t new_blind) {
  return old_blind > new_blind && old_blind - new_blind > probes / kBetterToTake;
}

}  // namespace hnswpg

#endif  // HNSWPG_CORE_SPACE_LEARNING_H_
