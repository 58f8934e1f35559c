// The sample is read without the graph lock. The maintenance lock keeps away who frees
// elements that are in the graph, so their vectors stay; who links meanwhile changes lists,
// and any of an element's lists is as good to judge by.
#include "storage/link/learn_book.h"

extern "C" {
#include "common/pg_prng.h"
}

#include <algorithm>

#include "hnswpg/core/memory/pod_vector.h"
#include "hnswpg/core/space/centre_finder.h"
#include "hnswpg/core/space/learning.h"
#include "hnswpg/signal/waiters.h"
#include "hnswpg/storage/graph/slot_reader.h"
#include "hnswpg/storage/page/code_book.h"
#include "hnswpg/storage/page/locks.h"
#include "storage/link/code_judge.h"
#include "storage/page/interrupts.h"

namespace hnswpg {
namespace {

constexpr uint32_t kProbes = 200;
// So many slots are looked at for one of the sample, before it is left out.
constexpr uint32_t kTries = 16;

class Learner {
 public:
  Learner(const HnswIndex& index, bool gives_way)
      : index_(index),
        gives_way_(gives_way),
        ids_(ContextArena(CurrentMemoryContext)),
        all_(Finder(index)),
        exact_(Finder(index)),
        vector_(palloc(index.space.vector_bytes())),
        centre_(static_cast<float*>(palloc(index.parameters.dim * sizeof(float)))),
        best_(static_cast<float*>(palloc(index.parameters.dim * sizeof(float)))) {}

  bool Sample();
  // Finds the best centre of those there are to choose from.
  bool Compare();
  bool HasBetter() const { return has_better_; }
  const float* best() const { return best_; }

 private:
  static CentreFinder Finder(const HnswIndex& index) {
    const IndexParameters& p = index.parameters;
    return CentreFinder(p.metric, p.dim, SampleSize(p.dim), ContextArena(CurrentMemoryContext),
                        &AnswerInterrupts);
  }
  bool KeepsOn() const;
  bool SampleOne(ElementId begin, ElementId end);
  bool CountBlind(const CodeSpace& space, uint32_t* blind);
  bool Try(const CentreFinder& vectors);

  const HnswIndex& index_;
  bool gives_way_;
  PodVector<ElementId> ids_;
  CentreFinder all_;
  CentreFinder exact_;  // of those that are measured exactly
  void* vector_;        // scratch, as the index has them
  float* centre_;
  float* best_;
  uint32_t n_probes_ = 0;
  uint32_t old_blind_ = 0;
  uint32_t least_blind_ = 0;
  bool has_better_ = false;
};

bool Learner::KeepsOn() const {
  CHECK_FOR_INTERRUPTS();
  return !gives_way_ || !IsInTheWay();
}

// Spread over the ids: one of each of so many equal parts.
bool Learner::Sample() {
  const uint64_t end = index_.meta.next_element;
  const uint64_t parts = SampleSize(index_.parameters.dim);
  for (uint64_t part = 0; part < parts; part++) {
    if (!KeepsOn()) return false;
    SampleOne(static_cast<ElementId>(end * part / parts),
              static_cast<ElementId>(end * (part + 1) / parts));
  }
  return true;
}

// The first linked element from any place in the part on. False if there is none near.
bool Learner::SampleOne(ElementId begin, ElementId end) {
  if (begin == end) return false;
  ElementId id =
      static_cast<ElementId>(pg_prng_uint64_range(&pg_global_prng_state, begin, uint64_t{end} - 1));
  for (const ElementId last = std::min(end, id + kTries); id < last; id++) {
    SlotCopy slot;
    ReadSlot(index_, id, &slot, nullptr);
    if (slot.head.state != SlotState::kLinked) continue;
    ReadVector(index_, id, vector_);
    index_.space.ToFloats(vector_, centre_);
    all_.Add(centre_);
    if (!IsCoded(index_, slot.head.book)) exact_.Add(centre_);
    ids_.Push(id);
    return true;
  }
  return false;
}

// How many of the probes the space's codes do not tell from what is around them.
bool Learner::CountBlind(const CodeSpace& space, uint32_t* blind) {
  CodeJudge judge(&index_, &space);
  *blind = 0;
  for (uint32_t k = 0; k < n_probes_; k++) {
    if (!KeepsOn()) return false;
    const size_t at = uint64_t{k} * ids_.size() / n_probes_;
    *blind += judge.IsGood(ids_[at]) ? 0 : 1;
  }
  return true;
}

bool Learner::Try(const CentreFinder& vectors) {
  const IndexParameters& p = index_.parameters;
  vectors.Find(centre_);
  uint32_t blind;
  if (!CountBlind(CodeSpace(p.kind(), p.dim, centre_), &blind)) return false;
  if (blind >= least_blind_) return true;
  least_blind_ = blind;
  std::copy(centre_, centre_ + p.dim, best_);
  has_better_ = IsWorthTaking(n_probes_, old_blind_, blind);
  return true;
}

// The centre of all; and the centre of those that the old book does not do for, since the
// centre of two groups lies in neither, and those of before are mostly about to go.
bool Learner::Compare() {
  n_probes_ = std::min<uint32_t>(kProbes, static_cast<uint32_t>(ids_.size()));
  if (n_probes_ == 0) return true;
  if (!CountBlind(index_.space, &old_blind_)) return false;
  least_blind_ = old_blind_;
  if (!Try(all_)) return false;
  const bool differs = exact_.n() > 0 && exact_.n() < all_.n();
  return !differs || Try(exact_);
}

// Whoever links or cleans up looks at the metapage when he has the link lock, and goes by
// the book that he finds there for as long. The graph lock, for those who count what is
// measured exactly.
void NameBook(const HnswIndex& index, uint16_t book) {
  LockIndex(index.rel, IndexLock::kLink, ExclusiveLock);
  LockGraph(index.rel);
  PageTxn txn(index, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Begin();
  Meta* meta = txn.meta();
  meta->book = book;
  meta->n_exact = meta->n_linked;
  meta->n_when_learnt = meta->n_linked;
  meta->recoding = Recoding::kCoding;
  meta->recoding_at = 0;
  // What was measured before and what comes now do not go together.
  meta->n_reroutings = EndRerouting(meta->n_reroutings);
  txn.Commit();
  UnlockGraph(index.rel);
  UnlockIndex(index.rel, IndexLock::kLink, ExclusiveLock);
}

void NoteInVain(const HnswIndex& index) {
  PageTxn txn(index, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Begin();
  txn.meta()->n_when_learnt = txn.meta()->n_linked;
  txn.meta()->n_exact_when_learnt = txn.meta()->n_exact;
  txn.Commit();
}

}  // namespace

bool LearnBook(const HnswIndex& index, bool gives_way) {
  Learner learner(index, gives_way);
  if (!learner.Sample() || !learner.Compare()) return false;
  if (!learner.HasBetter()) {
    NoteInVain(index);
    return true;
  }
  const uint16_t book = index.parameters.book + 1;
  WriteCentre(index, WriteMode::kLogged, book, learner.best());
  NameBook(index, book);
  return true;
}

}  // namespace hnswpg
