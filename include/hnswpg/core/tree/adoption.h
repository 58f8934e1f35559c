// In which order elements get new parents when theirs are taken away.
//
// Elements whose parents are gone, the orphans, are the tops of parts of the tree
// (chains.h). Each goes under an element of the root's own part, with all that is below
// it. So no element can become its own ancestor, and the root's part grows with each.
#ifndef HNSWPG_CORE_TREE_ADOPTION_H_
#define HNSWPG_CORE_TREE_ADOPTION_H_

#include <cstddef>

#include "hnswpg/core/limits.h"

namespace hnswpg {

enum class Adoption {
  kDone,
  kFailed,   // of one: there is nobody near; of all: the parts are not what they were
  kStopped,  // whoever adopts has to stop
};

// Has all of `orphans` adopted, which it puts in another order. Those whose neighbours are all
// in other parts wait until these have been adopted. Where a whole round adopts none,
// one goes anywhere, so there is always a next round. It ends: each round adopts one at least.
//   Adoption near(ElementId)  under an element near it
//   bool anywhere(ElementId)  wherever there is room; false: it was adopted, and on the way
//                             others have become orphans, so that all has to begin anew
template <class Near, class Anywhere>
Adoption AdoptAll(ElementId* orphans, size_t n, Near near, Anywhere anywhere) {
  while (n > 0) {
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
      const ElementId orphan = orphans[i];
      const Adoption adoption = near(orphan);
      if (adoption == Adoption::kStopped) return adoption;
      if (adoption == Adoption::kFailed) orphans[left++] = orphan;
    }
    if (left == n && !anywhere(orphans[--left])) return Adoption::kFailed;
    n = left;
  }
  return Adoption::kDone;
}

}  // namespace hnswpg

#endif  // HNSWPG_CORE_TREE_ADOPTION_H_
