// The rounds of a search: when it walks, what it reads, when rows may be handed out. No locks
// but those of the page that is being read.
#include "hnswpg/storage/search/search.h"

#include "storage/page/interrupts.h"

namespace hnswpg {
namespace {

// A walk is done again at most so often because of what cleanup does meanwhile, which
// changes things once or twice while it goes through a whole index.
constexpr int kMostWalks = 10;

}  // namespace

Search::Search(const HnswIndex& index, const void* query, const void* code, VisitedBits* visited,
               const SearchOptions& options)
    : index_(index),
      context_(CurrentMemoryContext),
      arena_(ContextArena(context_)),
      query_(query),
      code_(code),
      options_(options),
      vector_(palloc(index_.space.vector_bytes())),
      graph_(&index_),
      budget_(&AnswerInterrupts),
      walk_(&graph_, arena_, visited, &budget_),
      pending_(&index_, &graph_, arena_),
      finalists_(arena_, index_.parameters.dim, index_.parameters.book != kNoBook),
      rows_(arena_, &AnswerInterrupts),
      tids_(arena_) {
  graph_.set_query(code, query);
}

const TidRef* Search::Next() {
  for (;;) {
    // In strict order, what comes too late is lost.
    if (IsStrict()) rows_.SkipLate();
    if (rows_.any_out()) return rows_.Next();
    if (exhausted_) return nullptr;
    if (!finalists_.all_read()) {
      ReadFinalists();
      continue;
    }
    exhausted_ = !NextRound();
    if (exhausted_) rows_.LetOutAll();
  }
}

// ---- rounds ----

// False when there is nothing more to be found.
bool Search::NextRound() {
  const bool first = round_ == 0;
  if (first) Begin();
  if (!(query_ ? WalkRound() : ReadRound())) return false;
  if (query_ && !first && IsStrict()) {
    rows_.LetOutHalf();
  } else {
    rows_.LetOutAll();
  }
  return true;
}

void Search::Begin() {
  round_ = options_.ef_search;
  if (!query_) CollectPending();
}

// Without a query: the rows of what was pending, then of some more elements, in the
// order of their ids.
bool Search::ReadRound() {
  if (rows_.waiting() > 0) return true;
  rows_.DropHandedOut();
  for (; next_read_ < index_.meta.next_element && rows_.waiting() == 0; next_read_++) {
    CHECK_FOR_INTERRUPTS();
    SlotCopy copy;
    ReadSlot(index_, next_read_, &copy, nullptr);
    float distance;
    if (copy.head.state == SlotState::kLinked) Collect(next_read_, nullptr, &distance);
  }
  return rows_.waiting() > 0;
}

bool Search::WalkRound() {
  if (!has_walked_) {
    has_walked_ = true;
    BeginWalk();
    if (walk_.found().empty()) return false;
    finalists_.Take(&walk_.found());
  } else {
    if (options_.further_rounds == FurtherRounds::kNone) return false;
    round_ *= 2;
    if (MayWalkOn()) WalkOn();
    pending_.OfferTo(&walk_, round_);
    if (walk_.found().empty()) return false;
    CollectFound();
  }
  return true;
}

bool Search::MayWalkOn() const {
  return budget_.measured() < options_.max_measured &&
         MemoryContextMemAllocated(context_, true) <= options_.max_memory;
}

// Elements on the pending list are measured before the graph is walked: one that was linked
// before is found in the graph. One that is linked meanwhile is found there too, or
// the equal one that took over its row; its rows count once. What is pending counts as
// just nearer than what is equal in the graph, and is read first, so its row is seen on
// one side or the other.
//
// Again if cleanup has moved elements meanwhile, which the walk may have missed.
void Search::BeginWalk() {
  for (int i = 0; i < kMostWalks; i++) {
    walk_.Begin();
    const Meta meta = pending_.Measure();
    if (!pending_.empty()) rows_.KeepEachOnce();
    n_reroutings_ = meta.n_reroutings;
    WalkFirst(meta);
    if (HoldsStill()) break;
    index_.meta = ReadMeta(index_);
  }
  pending_.OfferTo(&walk_, round_);
}

// Whether no element has changed its place since the walk began.
bool Search::HoldsStill() {
  return !IsRerouting(n_reroutings_) && graph_.ReadReroutings() == n_reroutings_;
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

// From the second round on rows are remembered, in case that it has to begin anew.
void Search::WalkOn() {
  rows_.KeepEachOnce();
  budget_.set_limit(options_.max_measured);
  const bool resumed = walk_.Resume(0, round_);
  budget_.set_limit(Budget::kNoLimit);
  if (!resumed || walk_.found().empty()) ContinueFromEntry();
  if (HoldsStill()) return;
  index_.meta = ReadMeta(index_);
  BeginWalk();
}

// The entry point as it is now: VACUUM may have freed the one we began at.
void Search::ContinueFromEntry() {
  const ElementId entry = ReadMeta(index_).entry;
  if (entry != kNoId) walk_.Continue(entry, 0, round_);
}

// As wide as the current round. Rows that were read already are known, in the first round
// from here on.
void Search::StartAnew() {
  misses_rows_ = false;
  rows_.KeepEachOnce();
  BeginWalk();
  finalists_.Take(&walk_.found());
}

// ---- reading ----

// Reads a few more finalists; lets those rows out that are as near as any finalist
// not read yet can be. What is pending is ranked exactly, however many may be as near as the
// farthest that was found, so when the finalists have been read these become finalists too.
// Those farther away wait for a further round.
void Search::ReadFinalists() {
  size_t n = finalists_.BatchSize(rows_.waiting());
  for (size_t i = 0; i < n; i++) PrefetchElement(index_, finalists_.Ahead(i).id);
  for (; n > 0; n--) {
    const Candidate finalist = finalists_.Next();
    const Walked walked = {code_, finalist.distance};
    float distance;
    if (Collect(finalist.id, &walked, &distance)) finalists_.NoteError(finalist.distance, distance);
  }
  if (misses_rows_) {
    StartAnew();
    rows_.HoldBack();
    return;
  }
  rows_.Sort();
  const bool more =
      !finalists_.all_read() || pending_.TakeUpTo(finalists_.FarthestWanted(), finalists_.more());
  if (more) {
    rows_.LetOutUpTo(finalists_.LeastExact());
  } else {
    rows_.LetOutAll();
  }
}

void Search::ReadAllFinalists() {
  do {
    while (!finalists_.all_read()) {
      const Candidate finalist = finalists_.Next();
      const Walked walked = {code_, finalist.distance};
      float distance;
      Collect(finalist.id, &walked, &distance);
    }
  } while (pending_.TakeUpTo(finalists_.FarthestWanted(), finalists_.more()));
}

// Joins what the walk found to what was held back. Nearest first, so that pending
// elements come before equal ones.
void Search::CollectFound() {
  rows_.DropHandedOut();
  finalists_.Take(&walk_.found());
  ReadAllFinalists();
  while (misses_rows_) {
    StartAnew();
    ReadAllFinalists();
  }
  finalists_.Clear();
  rows_.Sort();
}

// Without a query: all of them.
void Search::CollectPending() {
  PodVector<ElementId> ids(arena_);
  ReadPending(index_, &ids);
  if (!ids.empty()) rows_.KeepEachOnce();
  float distance;
  for (ElementId id : ids) Collect(id, nullptr, &distance);
}

// Reads an element for certain and takes its rows. False, and none, if it is not the one
// that was walked. `distance`: its exact one.
bool Search::Collect(ElementId id, const Walked* walked, float* distance) {
  CHECK_FOR_INTERRUPTS();
  tids_.Clear();
  ElementRead now{};
  const Reading reading = {query_, walked, options_.skip_killed, vector_};
  const bool read = ReadElement(index_, id, reading, &tids_, &now);
  // A pending element that was merged before it could be read may have handed its row
  // to one that was read before, or that was not found.
  uint32_t version_then;
  if (pending_.WasPending(id, &version_then)) misses_rows_ |= !read || now.version != version_then;
  // Its code may have been made anew just as it was walked, which saw half of it.
  misses_rows_ |= now.changed && index_.parameters.book != kNoBook;
  if (!read) return false;
  for (const TidRef& ref : tids_) rows_.Add(now.distance, ref);
  *distance = now.distance;
  return true;
}

}  // namespace hnswpg
