#include "core/build/linking.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <span>
#include <utility>

#include "core/build/met_nodes.h"
#include "core/build/node_distance.h"
#include "core/build/node_list.h"
#include "hnswpg/core/format/layout.h"
#include "hnswpg/core/space/code_quality.h"

namespace hnswpg {
namespace {

constexpr size_t kMaxList = 2 * kMaxM;
constexpr size_t kCacheLine = 64;
// Of a code that will be measured. The lines behind them the CPU fetches by itself.
constexpr size_t kCodeLines = 3;
constexpr size_t kListLines = 3;

void Prefetch(const void* at, size_t lines) {
  for (size_t i = 0; i < lines; i++) {
    __builtin_prefetch(static_cast<const char*>(at) + i * kCacheLine);
  }
}

}  // namespace

// One thread's means to link one element after the other.
class NodeLinker {
 public:
  NodeLinker(HnswlibIndex* index, const CodeSpace& codes, uint8_t* n_fillers);
  void Link(uint32_t node, int level);

 private:
  const char* Code(uint32_t node) const { return index_.getDataByInternalId(node); }
  void Measure(const QueryCode& query, std::span<const uint32_t> nodes);
  NodeDistance MeasureOne(const QueryCode& query, uint32_t node);
  uint32_t Nearest(const QueryCode& query, uint32_t start, int level);
  void Search(const QueryCode& query, uint32_t start, int level);
  bool TakeNext(uint32_t* node);
  void Expand(const QueryCode& query, uint32_t node, int level);
  void Meet(NodeDistance near);
  void PrefetchNext(int level) const;
  void Choose(std::span<NodeDistance> candidates, size_t max);
  std::span<NodeDistance> DropNearer(uint32_t chosen, std::span<NodeDistance> candidates);
  uint32_t Connect(uint32_t node, int level);
  void LinkBack(uint32_t node, NodeDistance to, int level);
  void Fill(uint32_t node);
  void Judge(uint32_t node);
  void Reselect(NodeList* list, uint32_t owner, NodeDistance added, size_t max);
  std::span<const NodeDistance> chosen() const { return {chosen_, n_chosen_}; }

  HnswlibIndex& index_;
  const CodeSpace& codes_;
  uint8_t* const n_fillers_;  // of each node's list on level 0; null: there are none
  const size_t ef_;
  const bool has_dead_;

  MetNodes met_;
  std::vector<NodeDistance> found_;  // ascending; room for one more than ef
  size_t n_found_ = 0;
  size_t next_ = 0;                 // the lists of those before it have been read
  std::vector<NodeDistance> dead_;  // met and not read; a heap, the nearest on top

  // Candidates that Choose has dropped.
  std::vector<NodeDistance> dropped_;
  size_t n_dropped_ = 0;

  // Of the nodes measured last.
  std::vector<const char*> pointers_;
  std::vector<float> distances_;

  NodeDistance chosen_[kMaxList];
  size_t n_chosen_ = 0;
};

NodeLinker::NodeLinker(HnswlibIndex* index, const CodeSpace& codes, uint8_t* n_fillers)
    : index_(*index),
      codes_(codes),
      n_fillers_(n_fillers),
      ef_(index->ef_construction_),
      has_dead_(index->num_deleted_ > 0),
      met_(index->max_elements_),
      found_(ef_ + 1),
      dropped_(std::max(ef_, kMaxList + 1)),
      pointers_(std::max(ef_, kMaxList + 1)),
      distances_(pointers_.size()) {}

// To distances_.
void NodeLinker::Measure(const QueryCode& query, std::span<const uint32_t> nodes) {
  for (size_t i = 0; i < nodes.size(); i++) Prefetch(pointers_[i] = Code(nodes[i]), kCodeLines);
  query.Distances(pointers_.data(), nodes.size(), distances_.data());
}

NodeDistance NodeLinker::MeasureOne(const QueryCode& query, uint32_t node) {
  Measure(query, {&node, 1});
  return {distances_[0], node};
}

// The end of a greedy walk.
uint32_t NodeLinker::Nearest(const QueryCode& query, uint32_t start, int level) {
  NodeDistance nearest = MeasureOne(query, start);
  for (bool moved = true; moved;) {
    moved = false;
    Locked lock(index_, nearest.node());
    const std::span<const uint32_t> nodes = NodeList(index_, nearest.node(), level).nodes();
    Measure(query, nodes);
    for (size_t i = 0; i < nodes.size(); i++) {
      const NodeDistance near(distances_[i], nodes[i]);
      if (!nearest.FartherThan(near)) continue;
      nearest = near;
      moved = true;
    }
  }
  return nearest.node();
}

// Leaves the ef nearest living nodes that it finds in found_.
void NodeLinker::Search(const QueryCode& query, uint32_t start, int level) {
  met_.Clear();
  dead_.clear();
  n_found_ = next_ = 0;
  met_.Meet({&start, 1});
  Meet(MeasureOne(query, start));
  for (uint32_t node; TakeNext(&node);) Expand(query, node, level);
}

// The nearest node whose list has not been read, if it is not farther than all found.
bool NodeLinker::TakeNext(uint32_t* node) {
  while (next_ < n_found_ && found_[next_].read()) next_++;
  const bool alive = next_ < n_found_;
  if (!dead_.empty() && (!alive || found_[next_].FartherThan(dead_.front()))) {
    if (n_found_ == ef_ && dead_.front().FartherThan(found_[ef_ - 1])) return false;
    *node = dead_.front().node();
    std::pop_heap(dead_.begin(), dead_.end(), std::greater<>());
    dead_.pop_back();
    return true;
  }
  if (!alive) return false;
  *node = found_[next_].node();
  found_[next_++].SetRead();
  return true;
}

void NodeLinker::Expand(const QueryCode& query, uint32_t node, int level) {
  std::span<const uint32_t> fresh;
  {
    Locked lock(index_, node);
    fresh = met_.Meet(NodeList(index_, node, level).nodes());
  }
  PrefetchNext(level);
  Measure(query, fresh);
  // Most of them are too far: sorted out without branches, which would be guessed wrong.
  const float farthest =
      n_found_ < ef_ ? std::numeric_limits<float>::infinity() : found_[ef_ - 1].distance();
  NodeDistance near[kMaxList];
  size_t n = 0;
  for (size_t i = 0; i < fresh.size(); i++) {
    near[n] = {distances_[i], fresh[i]};
    n += distances_[i] <= farthest ? 1 : 0;
  }
  for (size_t i = 0; i < n; i++) Meet(near[i]);
}

void NodeLinker::Meet(NodeDistance near) {
  if (n_found_ == ef_ && !found_[ef_ - 1].FartherThan(near)) return;
  if (has_dead_ && index_.isMarkedDeleted(near.node())) {
    dead_.push_back(near);
    std::push_heap(dead_.begin(), dead_.end(), std::greater<>());
    return;
  }
  NodeDistance* begin = found_.data();
  NodeDistance* end = begin + n_found_;
  NodeDistance* at = n_found_ == 0 ? begin : LowerBound(begin, n_found_, near);
  std::copy_backward(at, end, end + 1);
  *at = near;
  next_ = std::min(next_, static_cast<size_t>(at - begin));
  if (n_found_ < ef_) n_found_++;
}

// The list that is read next unless something nearer turns up now.
void NodeLinker::PrefetchNext(int level) const {
  size_t i = next_;
  while (i < n_found_ && found_[i].read()) i++;
  if (i < n_found_) Prefetch(index_.get_linklist_at_level(found_[i].node(), level), kListLines);
}

// Malkov and Yashunin's heuristic (2016, algorithm 4), as hnswlib has it: of the ascending
// candidates the first is chosen, then each that is nearer to the owner than to all chosen before;
// fewer than `max` are all chosen. The chosen ones take turns in dropping candidates, so that
// distances come in batches; the pairs that are measured are the same as candidate by candidate.
// Uses `candidates` up.
void NodeLinker::Choose(std::span<NodeDistance> candidates, size_t max) {
  n_dropped_ = 0;
  if (candidates.size() < max) {
    n_chosen_ = candidates.size();
    std::copy(candidates.begin(), candidates.end(), chosen_);
    return;
  }
  n_chosen_ = 0;
  while (!candidates.empty()) {
    const NodeDistance nearest = candidates.front();
    chosen_[n_chosen_++] = nearest;
    if (n_chosen_ == max) return;
    candidates = DropNearer(nearest.node(), candidates.subspan(1));
  }
}

// The candidates that are not nearer to `chosen` than to the owner, in the same order and place.
std::span<NodeDistance> NodeLinker::DropNearer(uint32_t chosen,
                                               std::span<NodeDistance> candidates) {
  for (size_t i = 0; i < candidates.size(); i++) pointers_[i] = Code(candidates[i].node());
  QueryCode(&codes_, Code(chosen))
      .Distances(pointers_.data(), candidates.size(), distances_.data());
  size_t n = 0;
  for (size_t i = 0; i < candidates.size(); i++) {
    const NodeDistance candidate = candidates[i];
    const bool stays = distances_[i] >= candidate.distance();
    candidates[n] = candidate;
    n += stays;
    dropped_[n_dropped_] = candidate;
    n_dropped_ += !stays;
  }
  return candidates.first(n);
}

// Links `node`, whose lock is held, with the best of what was found; returns the nearest of them.
uint32_t NodeLinker::Connect(uint32_t node, int level) {
  Choose({found_.data(), n_found_}, index_.M_);
  NodeList(index_, node, level).Assign(chosen());
  NodeDistance to[kMaxList];
  std::copy(chosen().begin(), chosen().end(), to);
  const size_t n = n_chosen_;
  if (level == 0 && n_fillers_ != nullptr) Fill(node);
  for (size_t i = 0; i < n; i++) LinkBack(node, to[i], level);
  return to[0].node();
}

// The nearest of those that Choose has dropped fill the list of `node` up to m, and `node` their
// lists where there is a place.
void NodeLinker::Fill(uint32_t node) {
  const size_t n = std::min(index_.M_ - n_chosen_, n_dropped_);
  const auto end = dropped_.begin() + static_cast<std::ptrdiff_t>(n_dropped_);
  std::partial_sort(dropped_.begin(), dropped_.begin() + static_cast<std::ptrdiff_t>(n), end);
  NodeList own(index_, node, 0);
  for (size_t i = 0; i < n; i++) own.Append(dropped_[i].node());
  n_fillers_[node] = static_cast<uint8_t>(n);
  for (size_t i = 0; i < n; i++) {
    const uint32_t to = dropped_[i].node();
    Locked lock(index_, to);
    NodeList list(index_, to, 0);
    if (list.nodes().size() == index_.maxM0_) continue;
    list.Append(node);
    n_fillers_[to]++;
  }
}

void NodeLinker::LinkBack(uint32_t node, NodeDistance to, int level) {
  Locked lock(index_, to.node());
  NodeList list(index_, to.node(), level);
  const size_t max = level == 0 ? index_.maxM0_ : index_.maxM_;
  const bool has_fillers = level == 0 && n_fillers_ != nullptr && n_fillers_[to.node()] > 0;
  if (has_fillers) {
    list.AppendBeforeFillers(node, max, &n_fillers_[to.node()]);
  } else if (list.nodes().size() < max) {
    list.Append(node);
  } else {
    Reselect(&list, to.node(), {to.distance(), node}, max);
  }
}

// The nodes of a full list and the one to be added compete for the owner's links.
void NodeLinker::Reselect(NodeList* list, uint32_t owner, NodeDistance added, size_t max) {
  const std::span<const uint32_t> nodes = list->nodes();
  Measure(QueryCode(&codes_, Code(owner)), nodes);
  NodeDistance candidates[kMaxList + 1];
  for (size_t i = 0; i < nodes.size(); i++) candidates[i] = {distances_[i], nodes[i]};
  candidates[nodes.size()] = added;
  std::sort(candidates, candidates + nodes.size() + 1);
  Choose({candidates, nodes.size() + 1}, max);
  list->Assign(chosen());
}

// By the nearest that were found on level 0.
void NodeLinker::Judge(uint32_t node) {
  if (codes_.quantization() == Quantization::kNone) return;
  CodeQuality quality;
  for (size_t i = 0; i < n_found_ && quality.n() < CodeQuality::kMost; i++) {
    const NodeDistance& near = found_[i];
    quality.Add(near.distance(),
                codes_.ErrorVariance(Code(node), Code(near.node()), near.distance()));
  }
  if (quality.Known() && !quality.Good()) SetBlind(index_, node);
}

void NodeLinker::Link(uint32_t node, int level) {
  Locked own(index_, node);
  std::unique_lock<std::mutex> global(index_.global);
  const uint32_t entry = index_.enterpoint_node_;
  const int top = index_.maxlevel_;
  // Otherwise this node will be the entry, nobody else meanwhile.
  if (level <= top) global.unlock();

  const QueryCode query(&codes_, Code(node));
  uint32_t at = entry;
  for (int l = top; l > level; l--) at = Nearest(query, at, l);
  for (int l = std::min(level, top); l >= 0; l--) {
    Search(query, at, l);
    // The walk ended at a dead node that leads to no live one.
    if (n_found_ == 0) Search(query, entry, l);
    if (l == 0) Judge(node);
    at = Connect(node, l);
  }
  if (level > top) {
    index_.enterpoint_node_ = node;
    index_.maxlevel_ = level;
  }
}

// A linker for as long as one element takes.
class HnswlibLinking::Lease {
 public:
  explicit Lease(HnswlibLinking* linking) : linking_(*linking) {
    std::lock_guard<std::mutex> lock(linking_.idle_lock_);
    if (linking_.idle_.empty()) {
      linking_.idle_.reserve(linking_.n_linkers_ + 1);  // so that giving back cannot fail
      linker =
          std::make_unique<NodeLinker>(&linking_.index_, linking_.codes_, linking_.n_fillers());
      linking_.n_linkers_++;
    } else {
      linker = std::move(linking_.idle_.back());
      linking_.idle_.pop_back();
    }
  }
  ~Lease() {
    std::lock_guard<std::mutex> lock(linking_.idle_lock_);
    linking_.idle_.push_back(std::move(linker));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  std::unique_ptr<NodeLinker> linker;

 private:
  HnswlibLinking& linking_;
};

HnswlibLinking::HnswlibLinking(HnswlibIndex* index, const CodeSpace* codes, bool keep_pruned)
    : index_(*index), codes_(*codes), keep_pruned_(keep_pruned) {}

void HnswlibLinking::Resize(size_t capacity) {
  FreeMemory();
  if (keep_pruned_) n_fillers_.resize(capacity);
}

HnswlibLinking::~HnswlibLinking() = default;

void HnswlibLinking::Link(uint32_t node, int level) { Lease(this).linker->Link(node, level); }

void HnswlibLinking::FreeMemory() {
  idle_.clear();
  idle_.shrink_to_fit();
  n_linkers_ = 0;
}

size_t HnswlibLinking::LinkerBytes(size_t capacity, int ef_construction) {
  const size_t ef = static_cast<size_t>(ef_construction);
  return sizeof(NodeLinker) + MetNodes::Bytes(capacity) + (ef + 1) * sizeof(NodeDistance) +
         std::max(ef, kMaxList + 1) * (sizeof(char*) + sizeof(float) + sizeof(NodeDistance));
}

}  // namespace hnswpg
