// Making the codes of all elements anew, by the book in force. Private to link.
#ifndef HNSWPG_STORAGE_LINK_RECODE_H_
#define HNSWPG_STORAGE_LINK_RECODE_H_

#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// Goes on where the metapage says that it has come to, up to the end. `index` was opened
// under the maintenance lock, which the caller holds; the link lock (shared) and the graph
// lock, in turns, are taken and released. Memory from the current context. Interruptible.
// False: `gives_way`, and this process stands in somebody's way; what is done stays done.
bool Recode(const HnswIndex& index, bool gives_way);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_LINK_RECODE_H_
