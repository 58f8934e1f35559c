// What this session's transaction has announced to the worker, and when to do so
// again.
#include "hnswpg/signal/announce_work.h"

#include "hnswpg/signal/worker_registry.h"

extern "C" {
#include "access/parallel.h"
#include "access/xact.h"
}

namespace hnswpg {

int sync_interval;

namespace {

constexpr int kMaxNoted = 4;
constexpr uint32 kCallsBetween = 64;

// An index of which this transaction has spoken.
struct Note {
  Oid index;
  uint32 calls;  // not told to the worker yet
  bool hidden;   // made by this transaction: the worker cannot see it before its end
};

// Of the current transaction.
int n_notes;
Note notes[kMaxNoted];
bool more_indexes;  // than have a note

bool HasWorker(Relation index) {
  return sync_interval > 0 && index->rd_rel->relpersistence != RELPERSISTENCE_TEMP &&
         IsUnderPostmaster && !IsBinaryUpgrade && !IsParallelWorker();
}

void ReportAll() {
  Work work;
  work.all = more_indexes;
  for (int i = 0; i < n_notes; i++) {
    if (notes[i].calls > 0) work.Add(notes[i].index);
  }
  n_notes = 0;
  more_indexes = false;
  if (!work.empty()) ReportWork(work);
}

// Elements written by a transaction that is rolled back are pending too.
void AtTransactionEnd(XactEvent event, void*) {
  if (n_notes == 0) return;
  switch (event) {
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PREPARE:
      ReportAll();
      break;
    default:
      break;
  }
}

// False: there is no registry, and so nobody to speak to.
bool PrepareSession() {
  static bool prepared = false;
  if (prepared) return true;
  if (!AttachRegistry()) return false;
  RegisterXactCallback(AtTransactionEnd, nullptr);
  prepared = true;
  return true;
}

Note* FindNote(Oid index) {
  for (int i = 0; i < n_notes; i++) {
    if (notes[i].index == index) return &notes[i];
  }
  return nullptr;
}

void Tell(Note* note) {
  Work work;
  work.Add(note->index);
  note->calls = 0;
  ReportWork(work);
}

}  // namespace

void AnnounceWork(Relation index) {
  Note* note = FindNote(RelationGetRelid(index));
  if (note) {
    if (++note->calls >= kCallsBetween && !note->hidden) Tell(note);
    return;
  }
  if (!HasWorker(index) || !PrepareSession()) return;
  if (n_notes == kMaxNoted) {
    more_indexes = true;
    return;
  }
  note = &notes[n_notes++];
  *note = Note{RelationGetRelid(index), 1, index->rd_createSubid != InvalidSubTransactionId};
  if (!note->hidden) Tell(note);
}

}  // namespace hnswpg
