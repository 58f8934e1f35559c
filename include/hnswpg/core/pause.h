// How the owner of long work in the core gets a word in. In no room: walks, sets that grow and the
// arithmetic of spaces all take a while.
#ifndef HNSWPG_CORE_PAUSE_H_
#define HNSWPG_CORE_PAUSE_H_

namespace hnswpg {

// Called where the caller holds no pin and no lock on a page. May raise an error. Null: nothing
// is to be done.
using Pause = void (*)();

}  // namespace hnswpg

#endif  // HNSWPG_CORE_PAUSE_H_
