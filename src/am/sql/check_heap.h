// hnsw_check's second half, on demand: whether every row of the table is in the
// index, under its own vector.
#ifndef HNSWPG_AM_SQL_CHECK_HEAP_H_
#define HNSWPG_AM_SQL_CHECK_HEAP_H_

#include "hnswpg/storage/check/examination.h"

namespace hnswpg {

struct HeapCheck;

// Whether the table is kept by the access method heap, whose pages we know.
bool IsHeap(Relation table);

// Scans the table, and remembers the rows that have to be in the index: 16 bytes each,
// in the current memory context, where their vectors' fingerprints are kept. A snapshot
// says which rows count; it is registered until EndHeapCheck. A row that it sees was put
// into the index before.
//
// Evaluates the index's expressions as the table's owner. So the caller holds none of the
// index's locks (hnswpg/storage/page/locks.h), and AccessShareLock on both relations. Raises
// what an expression raises, and ERRCODE_T_R_SERIALIZATION_FAILURE if the index is too
// young for the snapshot.
HeapCheck* BeginHeapCheck(Relation heap, Relation index);

// Reports each of these rows that the index lacks, or has under another vector. The graph
// lock has been held since ExamineIndex, where there is one to be held. Runs no SQL.
void CheckHeapRows(const HeapCheck* check, Examination* examination);

// Gives the snapshot back.
void EndHeapCheck(HeapCheck* check);

}  // namespace hnswpg

#endif  // HNSWPG_AM_SQL_CHECK_HEAP_H_
