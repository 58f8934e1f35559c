// hnsw_check's view of an index: every invariant of src/storage/check/README.md, looked
// at on every page.
//
// An examination reads the whole index, reports each violation to a sink and goes
// on; only what has nothing to do with the index's soundness (no memory, a
// cancelled query) is raised. It needs a few dozen bytes of memory for each slot,
// all in the memory context that is current when it is made.
#ifndef HNSWPG_STORAGE_CHECK_EXAMINATION_H_
#define HNSWPG_STORAGE_CHECK_EXAMINATION_H_

#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// Where violations go. `element` is kNoId where none is concerned. `what` lives
// until the call returns.
struct CheckSink {
  void (*add)(void* arg, BlockNumber block, ElementId element, const char* what);
  void* arg;
};

struct Examination;

// Reads index `rel` and examines everything that the index alone tells.
//
// Locks: the caller holds the graph lock, or, on a standby, nothing; then what is
// reported may come from changes that were replayed meanwhile, which ChangedSince
// tells. Insertions may add pending elements while the examination runs. Content
// locks are shared and one at a time. Raises ERRCODE_FEATURE_NOT_SUPPORTED for a
// newer format version. Null if the metapage is damaged, which has been reported.
Examination* ExamineIndex(Relation rel, CheckSink sink);

// Examines the heap TIDs that ExamineIndex found: each must lead to a line of the
// table that an index may point to. The graph lock has been held since
// ExamineIndex; `heap` is locked in AccessShareLock or stronger.
void ExamineHeapLines(Examination* examination, Relation heap);

const HnswIndex& ExaminedIndex(const Examination* examination);

// The element that holds this heap TID, kNoId if none does.
ElementId FindHeapTid(const Examination* examination, const ItemPointerData& tid);

// Copies the element's exact vector, dim floats. False if a page of it is damaged.
bool CopyExaminedVector(Examination* examination, ElementId id, void* out);

// Reports a violation to the examination's sink.
void Report(const Examination* examination, BlockNumber block, ElementId element,
            const char* format, ...) __attribute__((format(printf, 4, 5)));

// Whether a page of the index has been changed by WAL behind `lsn`.
bool ChangedSince(Examination* examination, XLogRecPtr lsn);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_CHECK_EXAMINATION_H_
