// The graph walk: greedy descent through the upper levels and best-first search
// of one level (Malkov and Yashunin, "Efficient and robust approximate nearest
// neighbor search using Hierarchical Navigable Small World graphs", 2016,
// algorithms 2 and 5), written so that on the same graph and with the same ef it
// finds what hnswlib finds, and so that it can go on after it has stopped.
//
// The walk knows nothing of pages. It sees the graph through three functions of
// its template parameter:
//
//   int ReadLinks(ElementId id, int level, ElementId* out);
//     Writes the neighbours of `id` on `level` to `out`, which has room for
//     kMaxLinks, and returns their number. Every id it returns is one that
//     Measure accepts.
//   void Measure(const ElementId* ids, int n, Measured* out);
//     The distances of n <= kMaxLinks elements to the query, all at once, so
//     that the reads can overlap.
//
//   void PrefetchLinks(ElementId id, int level);
//     The neighbours of `id` will probably be asked for next.
//
// The first two may raise an error and not come back: nothing here has a destructor.
//
// A graph that knows the distances of neighbours without a look at each has in place of
// the first two, for all but the entry point,
//
//   int Expand(ElementId id, int level, VisitedBits* visited, ElementId* ids, Measured* out);
//     The neighbours that `visited` does not hold yet (null: all of them), and their
//     distances; enters them there.
//
// Every walk has a budget (budget.h): it says when to end, and pauses meanwhile.
#ifndef HNSWPG_CORE_WALK_WALK_H_
#define HNSWPG_CORE_WALK_WALK_H_

#include <functional>
#include <limits>

#include "hnswpg/core/format/layout.h"
#include "hnswpg/core/memory/arena.h"
#include "hnswpg/core/memory/candidate_heap.h"
#include "hnswpg/core/memory/pod_vector.h"
#include "hnswpg/core/memory/visited.h"
#include "hnswpg/core/walk/budget.h"

namespace hnswpg {

inline constexpr int kMaxLinks = 2 * kMaxM;

struct Measured {
  float distance;
  bool routes_only;  // may be walked through, must not be found
};

// Whether elements may be found, for reasons that the graph does not know of, as a filter has
// them. Asked for many at a time, and only for those that are near enough to be found.
struct Judge {
  // may_be_found[i] answers for ids[i]; n <= kMaxLinks. No lock or pin is held. May raise.
  void (*ask)(void* arg, const ElementId* ids, int n, bool* may_be_found);
  void* arg;
};

// Graph::Expand, of any graph.
template <class Graph>
int ExpandIn(Graph* graph, ElementId id, int level, VisitedBits* visited, ElementId* ids,
             Measured* out) {
  if constexpr (requires { graph->Expand(id, level, visited, ids, out); }) {
    return graph->Expand(id, level, visited, ids, out);
  } else {
    int n = graph->ReadLinks(id, level, ids);
    if (visited != nullptr) n = visited->InsertAll(ids, n);
    graph->Measure(ids, n, out);
    return n;
  }
}

template <class Graph>
class Walk {
 public:
  // `visited`: for as long as this walk goes on, nobody else's. It outlives the walk, and so
  // does `budget`, which counts from the last Begin.
  Walk(Graph* graph, Arena arena, VisitedBits* visited, Budget* budget)
      : graph_(graph),
        visited_(visited),
        budget_(budget),
        open_(arena),
        found_(arena),
        rest_(arena),
        routers_(arena),
        open_routers_(arena) {}

  // Null: every element may be found that the graph lets be found. It outlives the walk.
  // What it refuses is walked through.
  void set_judge(const Judge* judge) { judge_ = judge; }

  // The nearest element that greedy steps reach on levels `from` down to and
  // including `to`, starting from `entry`. Nearest so far, where the budget is spent.
  ElementId Descend(ElementId entry, int from, int to);

  // Best-first search of one level from `entry` for the `ef` nearest; they are
  // in found() afterwards. Forgets earlier searches.
  void Search(ElementId entry, int level, size_t ef);

  // Forgets earlier searches: for what Search does in steps.
  void Begin() {
    visited_->Clear();
    rest_.Clear();
    routers_.Clear();
    open_routers_.Clear();
    ClearFront();
    budget_->Reset();
  }
  // Keeps an element out of found() and out of the walk.
  void Exclude(ElementId id) { visited_->Insert(id); }
  // Search without Begin: what was seen and excluded stays so.
  void Continue(ElementId entry, int level, size_t ef);

  // Searches on for the next `ef`, from the nearest of what the walk has seen
  // and not found so far. False if nothing is left.
  bool Resume(int level, size_t ef);

  // After a search for the `ef` nearest: puts an element that was measured without
  // walking to it among what was found, if it is near enough.
  bool Offer(Candidate c, size_t ef) {
    if (found_.size() >= ef && !(c < found_.top())) return false;
    Keep(c, ef);
    return true;
  }

  // The result, farthest on top.
  FarthestFirstHeap& found() { return found_; }

 private:
  void ClearFront() {
    open_.Clear();
    found_.Clear();
  }
  Measured MeasureOne(ElementId id) {
    Measured m;
    graph_->Measure(&id, 1, &m);
    budget_->Spend(1);
    return m;
  }
  float Bound() const {
    return found_.empty() ? std::numeric_limits<float>::infinity() : found_.top().distance;
  }
  // Puts a candidate among the ef nearest; the one that falls out is kept for
  // Resume.
  void Keep(Candidate c, size_t ef) {
    if (found_.size() < ef) {
      found_.Push(c);
    } else {
      rest_.Push(c < found_.top() ? found_.ReplaceTop(c) : c);
    }
  }
  bool IsNear(float distance, size_t ef) const { return found_.size() < ef || distance < Bound(); }
  // Looks at its neighbours later, and finds it, if it may be found.
  void Open(Candidate c, bool routes_only, size_t ef) {
    open_.Push(c);
    if (routes_only) {
      open_routers_.Push(c);
    } else {
      Keep(c, ef);
    }
  }
  void AskJudge(const ElementId* ids, int n, Measured* measured, size_t ef);
  void TakeRest(size_t n, size_t ef);
  void Run(int level, size_t ef);
  void Expand(ElementId id, int level, size_t ef);

  Graph* graph_;
  VisitedBits* visited_;
  Budget* budget_;
  const Judge* judge_ = nullptr;
  NearestFirstHeap open_;      // seen, neighbours not yet looked at
  FarthestFirstHeap found_;    // the ef nearest seen so far
  PodVector<Candidate> rest_;  // seen and not among them
  // Those that must not be found: seen and not walked through; and those that are
  // or were in open_.
  PodVector<Candidate> routers_;
  PodVector<Candidate> open_routers_;
};

template <class Graph>
ElementId Walk<Graph>::Descend(ElementId entry, int from, int to) {
  ElementId links[kMaxLinks];
  Measured measured[kMaxLinks];
  ElementId nearest = entry;
  float distance = MeasureOne(entry).distance;
  for (int level = from; level >= to; level--) {
    for (bool moved = true; moved && !budget_->spent();) {
      moved = false;
      const int n = ExpandIn(graph_, nearest, level, nullptr, links, measured);
      budget_->Spend(n);
      for (int i = 0; i < n; i++) {
        if (measured[i].distance < distance) {
          distance = measured[i].distance;
          nearest = links[i];
          moved = true;
        }
      }
    }
  }
  return nearest;
}

template <class Graph>
void Walk<Graph>::Search(ElementId entry, int level, size_t ef) {
  Begin();
  Continue(entry, level, ef);
}

template <class Graph>
void Walk<Graph>::Continue(ElementId entry, int level, size_t ef) {
  if (visited_->Insert(entry)) {
    Measured m = MeasureOne(entry);
    AskJudge(&entry, 1, &m, ef);
    if (!m.routes_only) Keep({m.distance, entry}, ef);
    open_.Push({m.distance, entry});
  }
  Run(level, ef);
}

template <class Graph>
bool Walk<Graph>::Resume(int level, size_t ef) {
  ClearFront();
  for (const Candidate& router : routers_) {
    budget_->Spend(0);
    open_.Push(router);
    open_routers_.Push(router);
  }
  routers_.Clear();
  if (rest_.empty() && open_.empty()) return false;
  while (found_.size() < ef && !rest_.empty()) {
    TakeRest(std::min(ef - found_.size(), rest_.size()), ef);
  }
  Run(level, ef);
  return true;
}

// Opens the n nearest of the rest, for which found() has room. n > 0.
template <class Graph>
void Walk<Graph>::TakeRest(size_t n, size_t ef) {
  SelectPausing(rest_.begin(), rest_.begin() + n, rest_.end(), std::less<Candidate>(),
                budget_->pause());
  ElementId ids[kMaxLinks];
  Measured measured[kMaxLinks];
  for (size_t begin = 0; begin < n; begin += kMaxLinks) {
    const int batch = static_cast<int>(std::min<size_t>(kMaxLinks, n - begin));
    for (int i = 0; i < batch; i++) {
      ids[i] = rest_[begin + i].id;
      measured[i] = {rest_[begin + i].distance, false};
    }
    AskJudge(ids, batch, measured, ef);
    for (int i = 0; i < batch; i++) {
      budget_->Spend(0);
      Open({measured[i].distance, ids[i]}, measured[i].routes_only, ef);
    }
  }
  std::copy(rest_.begin() + n, rest_.end(), rest_.begin());
  rest_.Truncate(rest_.size() - n);
}

// Marks those that must not be found. Who is too far to be found now may be asked about when
// the walk goes on.
template <class Graph>
void Walk<Graph>::AskJudge(const ElementId* ids, int n, Measured* measured, size_t ef) {
  if (judge_ == nullptr) return;
  ElementId near[kMaxLinks];
  int place[kMaxLinks];
  bool may_be_found[kMaxLinks];
  int n_near = 0;
  for (int i = 0; i < n; i++) {
    if (measured[i].routes_only || !IsNear(measured[i].distance, ef)) continue;
    near[n_near] = ids[i];
    place[n_near++] = i;
  }
  if (n_near == 0) return;
  judge_->ask(judge_->arg, near, n_near, may_be_found);
  for (int i = 0; i < n_near; i++) measured[place[i]].routes_only = !may_be_found[i];
}

template <class Graph>
void Walk<Graph>::Run(int level, size_t ef) {
  while (!open_.empty() && !budget_->spent()) {
    if (found_.size() >= ef && open_.top().distance > Bound()) break;
    const ElementId nearest = open_.Pop().id;
    if (!open_.empty()) graph_->PrefetchLinks(open_.top().id, level);
    Expand(nearest, level, ef);
  }
  if (!open_.empty()) {
    for (const Candidate& router : open_routers_) {
      if (!(router.distance < open_.top().distance)) routers_.Push(router);
    }
  }
  open_routers_.Clear();
}

template <class Graph>
void Walk<Graph>::Expand(ElementId id, int level, size_t ef) {
  ElementId links[kMaxLinks];
  Measured measured[kMaxLinks];
  const int fresh = ExpandIn(graph_, id, level, visited_, links, measured);
  budget_->Spend(fresh);
  AskJudge(links, fresh, measured, ef);
  for (int i = 0; i < fresh; i++) {
    const Candidate c = {measured[i].distance, links[i]};
    if (!IsNear(c.distance, ef)) {
      (measured[i].routes_only ? routers_ : rest_).Push(c);
      continue;
    }
    Open(c, measured[i].routes_only, ef);
  }
}

}  // namespace hnswpg

#endif  // HNSWPG_CORE_WALK_WALK_H_
