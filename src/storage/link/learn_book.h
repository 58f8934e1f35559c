// Learning a code book from an index's own elements. Private to link.
#ifndef HNSWPG_STORAGE_LINK_LEARN_BOOK_H_
#define HNSWPG_STORAGE_LINK_LEARN_BOOK_H_

#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// Looks for a better book than the one in force. If there is one, writes it and has the
// metapage name it, which begins the making of codes (recode.h); if not, notes that it was
// looked for. The caller holds the maintenance lock; link lock and graph lock are taken for
// the record that names it, and released. Memory from the current context. Interruptible.
// False, and nothing done: `gives_way`, and this process stands in somebody's way.
bool LearnBook(const HnswIndex& index, bool gives_way);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_LINK_LEARN_BOOK_H_
