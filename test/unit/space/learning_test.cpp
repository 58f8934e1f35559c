// When a code book is looked for, and when one is taken.
#include "hnswpg/core/space/learning.h"

#include <catch2/catch_test_macros.hpp>

namespace hnswpg {
namespace {

TEST_CASE("an index that never learnt learns once it is large enough", "[learning]") {
  CHECK(!LearningIsDue({kFewestToLearn - 1, kFewestToLearn - 1, 0, 0}));
  CHECK(LearningIsDue({kFewestToLearn, kFewestToLearn, 0, 0}));
  // Whether its codes do or not: that is seen when it is looked for.
  CHECK(LearningIsDue({kFewestToLearn, 0, 0, 0}));
}

TEST_CASE("one that has learnt does so again when more has become blind", "[learning]") {
  CHECK(!LearningIsDue({8000, 1000, 8000, 0}));
  CHECK(LearningIsDue({8000, 1001, 8000, 0}));
  // All rows replaced: no growth, and yet.
  CHECK(LearningIsDue({8000, 8000, 8000, 100}));
  // What was blind even then does not count, nor growth alone.
  CHECK(!LearningIsDue({8000, 4000, 8000, 4000}));
  CHECK(!LearningIsDue({80000, 4000, 8000, 4000}));
  CHECK(LearningIsDue({80000, 14001, 8000, 4000}));
  // Fewer than then, since some were deleted.
  CHECK(!LearningIsDue({8000, 3000, 8000, 4000}));
}

TEST_CASE("data that no book serves make it look seldom", "[learning]") {
  uint32_t then = 1000;
  int looks = 0;
  for (uint32_t n = 1000; n <= 1000000; n++) {
    if (!LearningIsDue({n, n, then, then})) continue;
    then = n;
    looks++;
  }
  CHECK(looks >= 20);
  CHECK(looks <= 60);
}

TEST_CASE("what is blind and replaced by what is blind makes it look again", "[learning]") {
  CodeCounts counts = {8000, 4000, 8000, 4000};  // after a look in vain
  int replaced = 0;
  for (; !LearningIsDue(counts) && replaced < 4000; replaced++) {
    counts.n_exact_then = ExactThenWithoutOne(counts.n_exact_then);  // one dies
  }
  CHECK(replaced == 1001);
  CHECK(ExactThenWithoutOne(0) == 0);
}

TEST_CASE("a book is taken if it is clearly better", "[learning]") {
  CHECK(IsWorthTaking(200, 200, 0));
  CHECK(IsWorthTaking(200, 100, 87));
  CHECK(!IsWorthTaking(200, 100, 88));
  CHECK(!IsWorthTaking(200, 0, 0));
  CHECK(!IsWorthTaking(200, 10, 200));
  CHECK(!IsWorthTaking(0, 0, 0));
}

}  // namespace
}  // namespace hnswpg
