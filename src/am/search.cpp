#include "hnswpg/am/search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "hnswpg/am/am.h"
#include "hnswpg/storage/pending.h"

namespace hnswpg {
namespace {

// So many finalists are read at first, and so many more at a time. The largest error
// of those read counts kErrorsSpared times: a code's error is a sum over dimensions,
// near to normally distributed where these are many, and the largest of ten is
// beyond one standard deviation nearly always. With few dimensions that is not so,
// and all finalists are read at once.
constexpr size_t kFirstFinalists = 10;
constexpr size_t kMoreFinalists = 4;
constexpr float kErrorsSpared = 4.0f;
constexpr uint32_t kFewDimensions = 64;

}  // namespace

Search::Search(Relation rel, const float* query, const void* code, bool skip_killed)
    : index_(OpenIndex(rel)),
      arena_(ContextArena(CurrentMemoryContext)),
      query_(query),
      code_(code),
      skip_killed_(skip_killed),
      vector_(static_cast<float*>(palloc(index_.parameters.dim * sizeof(float)))),
      graph_(&index_, code),
      walk_(&graph_, arena_),
      last_distance_(-std::numeric_limits<float>::infinity()),
      tids_(arena_),
      pending_(arena_),
      finalists_(arena_),
      hits_(arena_) {}

const TidRef* Search::Next() {
  for (SkipLate(); next_hit_ == end_hit_ && !exhausted_; SkipLate()) {
    if (next_finalist_ < finalists_.size()) {
      ReadFinalists();
      continue;
    }
    exhausted_ = !NextRound();
    if (exhausted_) end_hit_ = hits_.size();
  }
  const bool have_hit = next_hit_ < end_hit_;
  const bool have_pending = next_pending_ < pending_.size();
  if (have_pending && (!have_hit || Nearer(pending_[next_pending_], hits_[next_hit_]))) {
    return Emit(&pending_, &next_pending_);
  }
  return have_hit ? Emit(&hits_, &next_hit_) : nullptr;
}

// In strict order, what comes too late.
void Search::SkipLate() {
  if (iterative_scan != kIterativeStrict) return;
  while (next_hit_ < end_hit_ && hits_[next_hit_].distance < last_distance_) next_hit_++;
}

const TidRef* Search::Emit(PodVector<Hit>* hits, size_t* at) {
  const Hit& hit = (*hits)[(*at)++];
  last_distance_ = hit.distance;
  return &hit.ref;
}

// ---- rounds ----

// False when there is nothing more to be found.
bool Search::NextRound() {
  const bool first = round_ == 0;
  if (first) Begin();
  if (!(query_ ? WalkRound() : ReadRound())) return false;
  const bool hold_back = query_ && !first && iterative_scan == kIterativeStrict;
  end_hit_ = hold_back ? (hits_.size() + 1) / 2 : hits_.size();
  return true;
}

void Search::Begin() {
  round_ = ef_search;
  walk_.Begin();
  CollectPending();
}

// Level 0 is walked from where the descent ended. Links have a direction, and it is
// the entry point that everything can be reached from: when nothing is left of what
// could be reached otherwise, the walk goes on from there.
bool Search::WalkRound() {
  if (walk_.measured() == 0) {
    const Meta meta = ReadMeta(index_);
    if (meta.entry == kNoId) return false;
    const ElementId entry =
        meta.entry_level > 0 ? walk_.Descend(meta.entry, meta.entry_level, 1) : meta.entry;
    walk_.Continue(entry, 0, round_);
    if (walk_.found().size() < round_) ContinueFromEntry();
    if (index_.parameters.dim < kFewDimensions) {
      CollectFound();
    } else {
      TakeFinalists();
    }
  } else {
    if (iterative_scan == kIterativeOff) return false;
    if (walk_.measured() >= static_cast<size_t>(max_scan_tuples)) return false;
    round_ *= 2;
    if (!walk_.Resume(0, round_, max_scan_tuples) || walk_.found().empty()) {
      ContinueFromEntry();
    }
    if (walk_.found().empty()) return false;
    CollectFound();
  }
  return true;
}

// The entry point as it is now: VACUUM may have freed the one we began at.
void Search::ContinueFromEntry() {
  const ElementId entry = ReadMeta(index_).entry;
  if (entry != kNoId) walk_.Continue(entry, 0, round_);
}

// Without a query: the rows of some more elements, in the order of their ids.
bool Search::ReadRound() {
  hits_.Clear();
  next_hit_ = 0;
  for (; next_read_ < index_.meta.next_element && hits_.empty(); next_read_++) {
    CHECK_FOR_INTERRUPTS();
    SlotCopy copy;
    ReadSlot(index_, next_read_, &copy, nullptr);
    if (copy.head.state == SlotState::kLinked) Collect(next_read_, nullptr, &hits_);
    DropPendingRows(0);
  }
  return !hits_.empty();
}

// ---- elements ----

// Reads an element for certain and appends its rows; none if it is not the one
// that was walked.
void Search::Collect(ElementId id, const Walked* walked, PodVector<Hit>* hits) {
  tids_.Clear();
  if (!ReadElement(index_, id, walked, skip_killed_, vector_, &tids_)) return;
  const float distance = query_ ? index_.space.ExactDistance(query_, vector_) : 0.0f;
  for (const TidRef& ref : tids_) hits->Push(Hit{distance, ref});
}

// Elements on the pending list, before the graph is walked: one that was linked
// before is found in the graph; one that is linked meanwhile is found there too, and
// its rows are dropped there.
void Search::CollectPending() {
  PodVector<ElementId> ids(arena_);
  ReadPending(index_, &ids);
  for (ElementId id : ids) {
    Collect(id, nullptr, &pending_);
  }
  std::sort(pending_.begin(), pending_.end(), Nearer);
}

// What the first walk found, to be read bit by bit.
void Search::TakeFinalists() {
  for (const Candidate& found : walk_.found().items()) finalists_.Push(found);
  std::sort(finalists_.begin(), finalists_.end());
  walk_.found().Clear();
}

// Reads a few more finalists; lets those rows out that are as near as any finalist
// not read yet can be. Many at a time where many rows wait already, so that sorting
// them stays cheap.
void Search::ReadFinalists() {
  const size_t waiting = hits_.size() - next_hit_;
  const size_t few = next_finalist_ == 0 ? kFirstFinalists : kMoreFinalists;
  const size_t end = std::min(finalists_.size(), next_finalist_ + std::max(few, waiting / 4));
  for (size_t i = next_finalist_; i < end; i++) PrefetchElement(index_, finalists_[i].id);
  for (; next_finalist_ < end; next_finalist_++) {
    const Candidate& finalist = finalists_[next_finalist_];
    const Walked walked = {code_, finalist.distance};
    const size_t before = hits_.size();
    Collect(finalist.id, &walked, &hits_);
    if (hits_.size() == before) continue;
    largest_error_ = std::max(largest_error_, std::fabs(hits_.back().distance - finalist.distance));
  }
  DropPendingRows(next_hit_);
  Hit* waiting_rows = hits_.begin() + next_hit_;
  std::sort(waiting_rows, hits_.end(), Nearer);
  end_hit_ = hits_.size();
  if (next_finalist_ == finalists_.size()) return;
  const Hit least = {finalists_[next_finalist_].distance - kErrorsSpared * largest_error_, {}};
  end_hit_ = std::upper_bound(waiting_rows, hits_.end(), least, Nearer) - hits_.begin();
}

// Joins what the walk found to what was held back.
void Search::CollectFound() {
  const size_t held_back = hits_.size() - next_hit_;
  std::copy(hits_.begin() + next_hit_, hits_.end(), hits_.begin());
  hits_.Truncate(held_back);
  next_hit_ = 0;
  while (!walk_.found().empty()) {
    const Candidate found = walk_.found().Pop();
    const Walked walked = {code_, found.distance};
    Collect(found.id, &walked, &hits_);
  }
  DropPendingRows(held_back);
  std::sort(hits_.begin(), hits_.end(), Nearer);
}

// An element in the graph may have been pending at the beginning, or have taken over
// the row of an equal one that was.
void Search::DropPendingRows(size_t from) {
  if (pending_.empty()) return;
  Hit* end = std::remove_if(hits_.begin() + from, hits_.end(),
                            [this](const Hit& hit) { return IsPendingRow(hit.ref.tid); });
  hits_.Truncate(end - hits_.begin());
}

bool Search::IsPendingRow(const ItemPointerData& tid) const {
  return std::any_of(pending_.begin(), pending_.end(), [&tid](const Hit& hit) {
    return ItemPointerEquals(const_cast<ItemPointer>(&hit.ref.tid), const_cast<ItemPointer>(&tid));
  });
}

}  // namespace hnswpg
