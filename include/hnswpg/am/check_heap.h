// hnsw_check's second half, on demand: whether every row of the table is in the
// index, under its own vector.
#ifndef HNSWPG_AM_CHECK_HEAP_H_
#define HNSWPG_AM_CHECK_HEAP_H_

#include "hnswpg/storage/check.h"

namespace hnswpg {

struct HeapCheck;

// Whether the table is kept by the access method heap, whose pages we know.
bool IsHeap(Relation table);

// Takes the snapshot that says which rows count. Before the index is read: a row
// that this snapshot sees was put into the index before. Registers the snapshot.
// Raises ERRCODE_T_R_SERIALIZATION_FAILURE if the index is too young for it.
HeapCheck* BeginHeapCheck(Relation index);

// Reports each row that the snapshot sees and the index lacks, or has under
// another vector. Evaluates the index's expressions as the table's owner, with
// security restrictions, as VACUUM and amcheck do. AccessShareLock on both.
void CheckHeapRows(HeapCheck* check, Relation heap, Relation index, Examination* examination);

// Gives the snapshot back.
void EndHeapCheck(HeapCheck* check);

}  // namespace hnswpg

#endif  // HNSWPG_AM_CHECK_HEAP_H_
