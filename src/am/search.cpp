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
// and all finalists are read at once; the error of that many is relied upon for what
// is pending beyond them.
constexpr size_t kFirstFinalists = 10;
constexpr size_t kMoreFinalists = 4;
constexpr float kErrorsSpared = 4.0f;
constexpr uint32_t kFewDimensions = 64;
// A walk is done again at most so often because of what cleanup does meanwhile, which
// changes things once or twice while it goes through a whole index.
constexpr int kMostWalks = 10;

uint64_t KeyOf(const ItemPointerData& tid) {
  return static_cast<uint64_t>(ItemPointerGetBlockNumberNoCheck(&tid)) << 16 |
         ItemPointerGetOffsetNumberNoCheck(&tid);
}

}  // namespace

Search::Search(const Index& index, const float* query, const void* code, VisitedBits* visited,
               bool skip_killed)
    : index_(index),
      arena_(ContextArena(CurrentMemoryContext)),
      query_(query),
      code_(code),
      skip_killed_(skip_killed),
      vector_(static_cast<float*>(palloc(index_.parameters.dim * sizeof(float)))),
      graph_(&index_),
      walk_(&graph_, arena_, visited),
      last_distance_(-std::numeric_limits<float>::infinity()),
      tids_(arena_),
      pending_(arena_),
      runs_(arena_),
      versions_(arena_),
      rows_(arena_),
      finalists_(arena_),
      hits_(arena_) {
  graph_.set_code(code);
}

const TidRef* Search::Next() {
  for (SkipLate(); next_hit_ == end_hit_ && !exhausted_; SkipLate()) {
    if (next_finalist_ < finalists_.size()) {
      ReadFinalists();
      continue;
    }
    exhausted_ = !NextRound();
    if (exhausted_) end_hit_ = hits_.size();
  }
  if (next_hit_ == end_hit_) return nullptr;
  const Hit& hit = hits_[next_hit_++];
  last_distance_ = hit.distance;
  return &hit.ref;
}

int Search::Upcoming(ItemPointerData* tids, int max) {
  if (told_hit_ == end_hit_) return 0;
  told_hit_ = end_hit_;
  const int n = static_cast<int>(std::min<size_t>(end_hit_ - next_hit_, max));
  for (int i = 0; i < n; i++) tids[i] = hits_[next_hit_ + i].ref.tid;
  return n;
}

// In strict order, what comes too late.
void Search::SkipLate() {
  if (iterative_scan != kIterativeStrict) return;
  while (next_hit_ < end_hit_ && hits_[next_hit_].distance < last_distance_) next_hit_++;
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
  if (!query_) CollectPending();
}

// Again if cleanup has moved elements meanwhile, which the walk may have missed.
void Search::BeginWalk() {
  for (int i = 0; i < kMostWalks; i++) {
    walk_.Begin();
    const Meta meta = MeasurePending();
    n_reroutings_ = meta.n_reroutings;
    WalkFirst(meta);
    if (graph_.ReadReroutings() == n_reroutings_) break;
    index_.meta = ReadMeta(index_);
  }
  OfferPending();
}

// Level 0 is walked from where the descent ended. Links have a direction, and it is
// the entry point that everything can be reached from: when nothing is left of what
// could be reached otherwise, the walk goes on from there.
void Search::WalkFirst(const Meta& meta) {
  if (meta.entry == kNoId) return;
  const ElementId entry =
      meta.entry_level > 0 ? walk_.Descend(meta.entry, meta.entry_level, 1) : meta.entry;
  walk_.Continue(entry, 0, round_);
  if (walk_.found().size() < round_) ContinueFromEntry();
}

void Search::WalkOn() {
  KeepRows();
  if (!walk_.Resume(0, round_, max_scan_tuples) || walk_.found().empty()) ContinueFromEntry();
  if (graph_.ReadReroutings() == n_reroutings_) return;
  index_.meta = ReadMeta(index_);
  BeginWalk();
}

// From the second round on, in case that it has to begin anew.
void Search::KeepRows() {
  if (keeps_rows_) return;
  keeps_rows_ = true;
  for (const Hit& hit : hits_) rows_.Insert(KeyOf(hit.ref.tid));
}

bool Search::WalkRound() {
  if (!has_walked_) {
    has_walked_ = true;
    BeginWalk();
    if (walk_.found().empty()) return false;
    TakeFinalists();
  } else {
    if (iterative_scan == kIterativeOff) return false;
    round_ *= 2;
    if (walk_.measured() < static_cast<size_t>(max_scan_tuples)) WalkOn();
    OfferPending();
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

// Without a query: the rows of what was pending, then of some more elements, in the
// order of their ids.
bool Search::ReadRound() {
  if (next_hit_ < hits_.size()) return true;
  hits_.Clear();
  next_hit_ = 0;
  for (; next_read_ < index_.meta.next_element && hits_.empty(); next_read_++) {
    CHECK_FOR_INTERRUPTS();
    SlotCopy copy;
    ReadSlot(index_, next_read_, &copy, nullptr);
    if (copy.head.state == SlotState::kLinked) Collect(next_read_, nullptr);
  }
  return !hits_.empty();
}

// ---- elements ----

// Reads an element for certain and appends its rows; none if it is not the one
// that was walked.
void Search::Collect(ElementId id, const Walked* walked) {
  tids_.Clear();
  ElementRead now{};
  const Reading reading = {query_, walked, skip_killed_, vector_};
  const bool read = ReadElement(index_, id, reading, &tids_, &now);
  // A pending element that was merged before it could be read may have handed its row
  // to one that was read before, or that was not found.
  uint32_t version_then;
  if (WasPending(id, &version_then)) misses_rows_ |= !read || now.version != version_then;
  if (!read) return;
  for (const TidRef& ref : tids_) {
    if (keeps_rows_ && !rows_.Insert(KeyOf(ref.tid))) continue;
    hits_.Push(Hit{now.distance, ref});
  }
}

// Elements on the pending list, before the graph is walked: one that was linked
// before is found in the graph. One that is linked meanwhile is found there too, or
// the equal one that took over its row; its rows count once. What is pending counts as
// just nearer than what is equal in the graph, and is read first, so its row is seen on
// one side or the other.
//
// The index was opened after the snapshot was taken: what was linked by then is all
// that there is, if nothing was pending.
//
// Others hold the metapage's lock often, so it is read once. Returns what it says.
Meta Search::MeasurePending() {
  pending_.Clear();
  next_pending_ = 0;
  runs_.Clear();
  versions_.Clear();
  if (index_.meta.n_runs == 0) return index_.meta;
  const Meta meta = ReadPendingRuns(index_, &runs_);
  keeps_rows_ |= !runs_.empty();
  // What leaves the list before it is measured is in the graph before it is walked.
  for (const PendingRun& run : runs_) MeasureRun(run);
  return meta;
}

void Search::MeasureRun(const PendingRun& run) {
  ElementId ids[kMaxLinks];
  Measured measured[kMaxLinks];
  uint32_t versions[kMaxLinks];
  for (uint32_t done = 0; done < run.count;) {
    CHECK_FOR_INTERRUPTS();
    const int n = static_cast<int>(std::min<uint32_t>(kMaxLinks, run.count - done));
    for (int i = 0; i < n; i++) ids[i] = run.first + done + i;
    graph_.MeasureInOrder(ids, n, measured, versions);
    for (int i = 0; i < n; i++) {
      versions_.Push(versions[i]);
      pending_.Push(Candidate{PendingDistance(measured[i].distance), ids[i]});
    }
    done += n;
  }
}

// The slot's version when the element was pending. False if it was not.
bool Search::WasPending(ElementId id, uint32_t* version) const {
  size_t before = 0;
  for (const PendingRun& run : runs_) {
    if (id - run.first < run.count) {
      *version = versions_[before + (id - run.first)];
      return true;
    }
    before += run.count;
  }
  return false;
}

// Nearest first, so that none is found and then falls out again.
void Search::OfferPending() {
  SortPending(round_);
  const size_t end = std::min(next_pending_ + round_, pending_.size());
  while (next_pending_ < end && walk_.Offer(pending_[next_pending_], round_)) next_pending_++;
}

// Puts the `n` nearest of those not offered yet first, in order.
void Search::SortPending(size_t n) {
  Candidate* first = pending_.begin() + next_pending_;
  const size_t left = pending_.size() - next_pending_;
  if (n < left) std::nth_element(first, first + n, pending_.end());
  std::sort(first, first + std::min(n, left));
}

// When the finalists have been read: what is pending is ranked exactly, however many
// may be as near as the farthest that was found, so these become finalists too. Those
// farther away wait for a further round. False if there are none.
bool Search::TakeMorePending() {
  if (next_pending_ == pending_.size()) return false;
  const float farthest = horizon_ + kErrorsSpared * largest_error_;
  Candidate* first = pending_.begin() + next_pending_;
  Candidate* last = std::partition(
      first, pending_.end(), [farthest](const Candidate& c) { return c.distance <= farthest; });
  std::sort(first, last);
  next_pending_ += last - first;
  for (const Candidate* c = first; c != last; c++) finalists_.Push(*c);
  return first != last;
}

// Without a query: all of them.
void Search::CollectPending() {
  PodVector<ElementId> ids(arena_);
  ReadPending(index_, &ids);
  keeps_rows_ = !ids.empty();
  for (ElementId id : ids) {
    CHECK_FOR_INTERRUPTS();
    Collect(id, nullptr);
  }
}

// What the walk found, nearest first.
void Search::TakeFinalists() {
  finalists_.Clear();
  next_finalist_ = 0;
  for (const Candidate& found : walk_.found().items()) finalists_.Push(found);
  std::sort(finalists_.begin(), finalists_.end());
  if (!finalists_.empty()) horizon_ = finalists_.back().distance;
  walk_.found().Clear();
}

// Reads a few more finalists; lets those rows out that are as near as any finalist
// not read yet can be. Many at a time where many rows wait already, so that sorting
// them stays cheap.
void Search::ReadFinalists() {
  const size_t waiting = hits_.size() - next_hit_;
  const bool few_dimensions = index_.parameters.dim < kFewDimensions;
  const size_t first = few_dimensions ? finalists_.size() : kFirstFinalists;
  const size_t few = next_finalist_ == 0 ? first : kMoreFinalists;
  const size_t end = std::min(finalists_.size(), next_finalist_ + std::max(few, waiting / 4));
  for (size_t i = next_finalist_; i < end; i++) PrefetchElement(index_, finalists_[i].id);
  for (; next_finalist_ < end; next_finalist_++) {
    const Candidate& finalist = finalists_[next_finalist_];
    const Walked walked = {code_, finalist.distance};
    const size_t before = hits_.size();
    Collect(finalist.id, &walked);
    if (hits_.size() == before) continue;
    largest_error_ = std::max(largest_error_, std::fabs(hits_.back().distance - finalist.distance));
  }
  if (misses_rows_) {
    StartAnew();
    end_hit_ = next_hit_;
    return;
  }
  Hit* waiting_rows = hits_.begin() + next_hit_;
  std::sort(waiting_rows, hits_.end(), Nearer);
  end_hit_ = hits_.size();
  if (next_finalist_ == finalists_.size() && !TakeMorePending()) return;
  const Hit least = {finalists_[next_finalist_].distance - kErrorsSpared * largest_error_, {}};
  end_hit_ = std::upper_bound(waiting_rows, hits_.end(), least, Nearer) - hits_.begin();
}

// Joins what the walk found to what was held back. Nearest first, so that pending
// elements come before equal ones.
void Search::CollectFound() {
  const size_t held_back = hits_.size() - next_hit_;
  std::copy(hits_.begin() + next_hit_, hits_.end(), hits_.begin());
  hits_.Truncate(held_back);
  next_hit_ = 0;
  TakeFinalists();
  ReadAllFinalists();
  while (misses_rows_) {
    StartAnew();
    ReadAllFinalists();
  }
  finalists_.Clear();
  next_finalist_ = 0;
  std::sort(hits_.begin(), hits_.end(), Nearer);
}

void Search::ReadAllFinalists() {
  do {
    for (; next_finalist_ < finalists_.size(); next_finalist_++) {
      const Candidate& found = finalists_[next_finalist_];
      const Walked walked = {code_, found.distance};
      Collect(found.id, &walked);
    }
  } while (TakeMorePending());
}

// As wide as the current round. Rows that were read already are known.
void Search::StartAnew() {
  misses_rows_ = false;
  BeginWalk();
  TakeFinalists();
}

}  // namespace hnswpg
