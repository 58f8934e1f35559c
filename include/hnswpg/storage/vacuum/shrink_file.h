// Free slots at the end of the file, back to the file system.
#ifndef HNSWPG_STORAGE_VACUUM_SHRINK_FILE_H_
#define HNSWPG_STORAGE_VACUUM_SHRINK_FILE_H_

#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// Gives free slots at the end of the file back to the file system, if there are many.
// The caller holds RowExclusiveLock on the index. The maintenance lock and, for the cut
// alone, AccessExclusiveLock are taken if they can be had at once, and released; the graph
// lock is taken and released in turns. Interruptible; what is done stays done.
void ShrinkFile(const HnswIndex& index);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_VACUUM_SHRINK_FILE_H_
