// amgettuple and its kin: rows in the order of their exact distance.
//
// A scan works in rounds. Round one collects the pending elements and walks the
// graph for the hnsw.ef_search nearest; each further round, when the executor
// asks for more, walks on from what was seen (Walk::Resume), for twice as many as
// the round before: what a later round finds too late for strict order is lost, so
// rounds are few. A round's elements
// are read again under their pages' locks, measured exactly and sorted; then they
// are handed out.
//
// No lock and no pin is held between two calls. A scan needs an MVCC snapshot:
// src/storage/README.md, "What a scan may return", says why that is enough.
#include "hnswpg/am/am.h"

extern "C" {
#include "pgstat.h"
#include "storage/predicate.h"
#include "utils/snapmgr.h"
}

#include <algorithm>
#include <new>

#include "hnswpg/storage/kill.h"
#include "hnswpg/storage/page_graph.h"
#include "hnswpg/storage/pending.h"
#include "hnswpg/storage/slot_reader.h"
#include "hnswpg/type/vector.h"

namespace hnswpg {
namespace {

// A row to be returned.
struct Hit {
  float distance;
  TidRef ref;
};
bool operator<(const Hit& a, const Hit& b) { return a.distance < b.distance; }

class Scan {
 public:
  // `query` null: every distance is NULL (or NaN), any order will do.
  // `skip_killed`: not in a transaction that began in recovery, whose snapshot
  // may need rows that were dead to everyone on the primary.
  Scan(Relation rel, const float* query, const void* code, bool skip_killed);

  // The next row; null when there is none.
  const TidRef* Next();
  const Index& index() const { return index_; }

 private:
  bool NextRound();
  bool NextUnordered();
  void CollectPending();
  void CollectFound();
  void Collect(ElementId id, const Walked* walked, PodVector<Hit>* hits);
  bool IsPendingTid(const ItemPointerData& tid) const;
  const TidRef* Emit(PodVector<Hit>* hits, size_t* at);

  Index index_;
  Arena arena_;
  const float* query_;
  const void* code_;
  bool skip_killed_;
  float* vector_;
  PageGraph graph_;
  PageWalk walk_;
  bool started_ = false;
  size_t round_ = 0;  // candidates of the current round
  bool exhausted_ = false;
  ElementId next_unordered_ = 0;
  PodVector<TidRef> tids_;   // of one element
  PodVector<Hit> pending_;   // of elements that were pending when the scan began
  PodVector<Hit> hits_;      // of the current round
  size_t next_pending_ = 0;
  size_t next_hit_ = 0;
  float last_distance_;
};

Scan::Scan(Relation rel, const float* query, const void* code, bool skip_killed)
    : index_(OpenIndex(rel)),
      arena_(ContextArena(CurrentMemoryContext)),
      query_(query),
      code_(code),
      skip_killed_(skip_killed),
      vector_(static_cast<float*>(palloc(index_.parameters.dim * sizeof(float)))),
      graph_(&index_, code),
      walk_(&graph_, arena_),
      tids_(arena_),
      pending_(arena_),
      hits_(arena_),
      last_distance_(-std::numeric_limits<float>::infinity()) {}

// Reads an element for certain and appends its rows; none if it is not the one
// that was walked.
void Scan::Collect(ElementId id, const Walked* walked, PodVector<Hit>* hits) {
  tids_.Clear();
  if (!ReadElement(index_, id, walked, skip_killed_, vector_, &tids_)) return;
  const float distance = query_ ? index_.space.ExactDistance(query_, vector_) : 0.0f;
  for (const TidRef& ref : tids_) hits->Push(Hit{distance, ref});
}

// Elements on the pending list, before the graph is walked: one that is linked
// meanwhile is found here, one that was linked before is found in the graph.
void Scan::CollectPending() {
  PodVector<ElementId> ids(arena_);
  ReadPending(index_, &ids);
  for (ElementId id : ids) {
    walk_.Exclude(id);
    Collect(id, nullptr, &pending_);
  }
  std::sort(pending_.begin(), pending_.end());
}

// An element found in the graph may have taken over the row of an equal element
// that was pending when the scan began.
bool Scan::IsPendingTid(const ItemPointerData& tid) const {
  return std::any_of(pending_.begin(), pending_.end(), [&tid](const Hit& hit) {
    return ItemPointerEquals(const_cast<ItemPointer>(&hit.ref.tid), const_cast<ItemPointer>(&tid));
  });
}

void Scan::CollectFound() {
  hits_.Clear();
  next_hit_ = 0;
  while (!walk_.found().empty()) {
    const Candidate found = walk_.found().Pop();
    const Walked walked = {code_, found.distance};
    Collect(found.id, &walked, &hits_);
  }
  if (!pending_.empty()) {
    Hit* end = std::remove_if(hits_.begin(), hits_.end(),
                              [this](const Hit& hit) { return IsPendingTid(hit.ref.tid); });
    hits_.Truncate(end - hits_.begin());
  }
  std::sort(hits_.begin(), hits_.end());
}

// Fills hits_ with further rows. False when there are no more to be had.
bool Scan::NextRound() {
  if (query_ == nullptr) return NextUnordered();
  if (!started_) {
    started_ = true;
    walk_.Begin();
    CollectPending();
    const Meta meta = ReadMeta(index_);
    if (meta.entry == kNoId) return false;
    const ElementId entry =
        meta.entry_level > 0 ? walk_.Descend(meta.entry, meta.entry_level, 1) : meta.entry;
    round_ = ef_search;
    walk_.Continue(entry, 0, round_);
  } else {
    if (iterative_scan == kIterativeOff) return false;
    if (walk_.measured() >= static_cast<size_t>(max_scan_tuples)) return false;
    round_ *= 2;
    if (!walk_.Resume(0, round_, max_scan_tuples)) return false;
  }
  CollectFound();
  return true;
}

bool Scan::NextUnordered() {
  if (!started_) {
    started_ = true;
    CollectPending();
  }
  hits_.Clear();
  next_hit_ = 0;
  for (; next_unordered_ < index_.meta.next_element && hits_.empty(); next_unordered_++) {
    CHECK_FOR_INTERRUPTS();
    SlotCopy copy;
    ReadSlot(index_, next_unordered_, &copy, nullptr);
    if (copy.head.state == SlotState::kLinked) Collect(next_unordered_, nullptr, &hits_);
    Hit* end = std::remove_if(hits_.begin(), hits_.end(),
                              [this](const Hit& hit) { return IsPendingTid(hit.ref.tid); });
    hits_.Truncate(end - hits_.begin());
  }
  return !hits_.empty();
}

const TidRef* Scan::Emit(PodVector<Hit>* hits, size_t* at) {
  const Hit& hit = (*hits)[(*at)++];
  last_distance_ = hit.distance;
  return &hit.ref;
}

const TidRef* Scan::Next() {
  for (;;) {
    // A later round may find what is nearer than what was returned already; in
    // strict order it comes too late.
    while (iterative_scan == kIterativeStrict && next_hit_ < hits_.size() &&
           hits_[next_hit_].distance < last_distance_) {
      next_hit_++;
    }
    if (next_hit_ < hits_.size() || exhausted_) break;
    exhausted_ = !NextRound();
  }
  const bool have_hit = next_hit_ < hits_.size();
  const bool have_pending = next_pending_ < pending_.size();
  if (have_pending && (!have_hit || pending_[next_pending_] < hits_[next_hit_])) {
    return Emit(&pending_, &next_pending_);
  }
  return have_hit ? Emit(&hits_, &next_hit_) : nullptr;
}

// What hangs off the scan descriptor. `scan` and all it uses live in `context`.
struct ScanOpaque {
  MemoryContext context;
  Scan* scan;
  TidRef last;  // the row returned last
  bool has_last;
};

bool IsZero(const float* x, int dim) {
  return std::all_of(x, x + dim, [](float value) { return value == 0.0f; });
}

// Makes the scan from its ORDER BY argument, in the scan's memory context.
Scan* MakeScan(IndexScanDesc desc) {
  const IndexParameters parameters = OpenIndex(desc->indexRelation).parameters;
  const ScanKey key = &desc->orderByData[0];
  const float* query = nullptr;
  if (!(key->sk_flags & SK_ISNULL)) {
    const Vector* vector = DatumGetVector(key->sk_argument);
    if (vector->dim != static_cast<int>(parameters.dim)) {
      ereport(ERROR, DifferentDimsError(parameters.dim, vector->dim));
    }
    // Nothing has a cosine with a zero vector: every distance is NaN.
    const bool no_order = parameters.metric == Metric::kCosine && IsZero(vector->x, vector->dim);
    query = no_order ? nullptr : vector->x;
  }
  const CodeSpace space(parameters.metric, parameters.quantization, parameters.dim);
  void* code = palloc0(space.code_bytes());
  if (query) space.Encode(query, code);
  return new (palloc(sizeof(Scan)))
      Scan(desc->indexRelation, query, code, desc->ignore_killed_tuples);
}

}  // namespace

IndexScanDesc hnswbeginscan(Relation index, int nkeys, int norderbys) {
  IndexScanDesc desc = RelationGetIndexScan(index, nkeys, norderbys);
  ScanOpaque* opaque = static_cast<ScanOpaque*>(palloc0(sizeof(ScanOpaque)));
  opaque->context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg scan", ALLOCSET_DEFAULT_SIZES);
  desc->opaque = opaque;
  return desc;
}

void hnswrescan(IndexScanDesc desc, ScanKey keys, int, ScanKey orderbys, int) {
  ScanOpaque* opaque = static_cast<ScanOpaque*>(desc->opaque);
  MemoryContextReset(opaque->context);
  opaque->scan = nullptr;
  opaque->has_last = false;
  if (keys && desc->numberOfKeys > 0) {
    memmove(desc->keyData, keys, desc->numberOfKeys * sizeof(ScanKeyData));
  }
  if (orderbys && desc->numberOfOrderBys > 0) {
    memmove(desc->orderByData, orderbys, desc->numberOfOrderBys * sizeof(ScanKeyData));
  }
}

bool hnswgettuple(IndexScanDesc desc, ScanDirection direction) {
  ScanOpaque* opaque = static_cast<ScanOpaque*>(desc->opaque);
  if (!ScanDirectionIsForward(direction)) elog(ERROR, "an hnsw index is scanned forward only");
  if (desc->numberOfOrderBys != 1) elog(ERROR, "an hnsw index needs an ORDER BY distance to scan");
  MemoryContext old = MemoryContextSwitchTo(opaque->context);
  if (opaque->scan == nullptr) {
    if (!IsMVCCSnapshot(desc->xs_snapshot)) {
      ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                      errmsg("an hnsw index can only be scanned with an MVCC snapshot")));
    }
    pgstat_count_index_scan(desc->indexRelation);
    PredicateLockRelation(desc->indexRelation, desc->xs_snapshot);
    opaque->scan = MakeScan(desc);
  } else if (desc->kill_prior_tuple && opaque->has_last) {
    KillTid(opaque->scan->index(), opaque->last);
  }
  const TidRef* next = opaque->scan->Next();
  MemoryContextSwitchTo(old);
  opaque->has_last = next != nullptr;
  if (next == nullptr) return false;
  opaque->last = *next;
  desc->xs_heaptid = next->tid;
  desc->xs_recheck = false;
  desc->xs_recheckorderby = false;
  return true;
}

void hnswendscan(IndexScanDesc desc) {
  ScanOpaque* opaque = static_cast<ScanOpaque*>(desc->opaque);
  MemoryContextDelete(opaque->context);
  pfree(opaque);
  desc->opaque = nullptr;
}

}  // namespace hnswpg
