#include "core/build/hnswlib_graph.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>

#include "core/build/node_list.h"
#include "core/build/packing.h"
#include "core/build/spanning_tree.h"
#include "hnswpg/core/build/graph_builder.h"

namespace hnswpg {
namespace {

// How many elements a search for a parent returns, and how wide it looks from a start of its own.
constexpr size_t kNear = 16;
constexpr size_t kNearEf = 64;

std::span<const uint32_t> List(const HnswlibIndex& index, uint32_t node, int level) {
  hnswlib::linklistsizeint* list = index.get_linklist_at_level(node, level);
  return {list + 1, index.getListCount(list)};
}

// The level-0 lists, to be mended or only read.
class LevelZero : public EditableGraph {
 public:
  explicit LevelZero(HnswlibIndex* index) : index_(*index) {}

  uint32_t size() const override { return static_cast<uint32_t>(index_.cur_element_count); }
  size_t max_links() const override { return index_.maxM0_; }
  std::span<const uint32_t> Links(uint32_t node) const override { return List(index_, node, 0); }

  void Prefetch(uint32_t node) const override {
    const char* list = reinterpret_cast<const char*>(index_.get_linklist0(node));
    __builtin_prefetch(list);
    __builtin_prefetch(list + 64);
  }

  void AddLink(uint32_t node, uint32_t to) override {
    hnswlib::linklistsizeint* list = index_.get_linklist0(node);
    unsigned short count = index_.getListCount(list);
    list[1 + count] = to;
    index_.setListCount(list, count + 1);
  }

  void ReplaceLink(uint32_t node, size_t i, uint32_t to) override {
    index_.get_linklist0(node)[1 + i] = to;
  }

  float Distance(uint32_t a, uint32_t b) const override {
    return index_.fstdistfunc_(Data(a), Data(b), index_.dist_func_param_);
  }

  void FindNear(uint32_t target, std::vector<uint32_t>* out) override {
    // Walks down the upper levels like any search; what it ends at need not be reachable on level
    // 0.
    uint32_t start = index_.enterpoint_node_;
    for (int level = index_.maxlevel_; level > 0; level--) start = Nearest(start, target, level);
    FindNearFrom(start, target, out);
  }

  void FindNearFrom(uint32_t start, uint32_t target, std::vector<uint32_t>* out) override {
    auto found = index_.searchBaseLayerST<true>(start, Data(target), kNearEf);
    while (found.size() > kNear) found.pop();
    size_t from = out->size();
    for (; !found.empty(); found.pop()) out->push_back(found.top().second);
    std::reverse(out->begin() + static_cast<std::ptrdiff_t>(from), out->end());
  }

 private:
  const char* Data(uint32_t node) const { return index_.getDataByInternalId(node); }

  uint32_t Nearest(uint32_t start, uint32_t target, int level) const {
    uint32_t nearest = start;
    float distance = Distance(target, start);
    for (bool moved = true; moved;) {
      moved = false;
      for (uint32_t to : List(index_, nearest, level)) {
        float d = Distance(target, to);
        if (d >= distance) continue;
        distance = d;
        nearest = to;
        moved = true;
      }
    }
    return nearest;
  }

  HnswlibIndex& index_;
};

}  // namespace

struct HnswlibGraph::Connecting {
  Connecting(HnswlibIndex* index, uint32_t entry) : level_zero(index), tree(&level_zero, entry) {}
  LevelZero level_zero;
  SpanningTree tree;
};

struct HnswlibGraph::Ordering {
  Ordering(HnswlibIndex* index, uint32_t entry, const ElementLayout& layout)
      : level_zero(index), packing(&level_zero, entry, layout) {}
  LevelZero level_zero;
  Packing packing;
};

LevelGenerator::LevelGenerator(int m) : mult_(1 / std::log(1.0 * m)) { engine_.seed(kGraphSeed); }

int LevelGenerator::Next() {
  std::uniform_real_distribution<double> distribution(0.0, 1.0);
  double level = -std::log(distribution(engine_)) * mult_;
  return static_cast<int>(std::min<double>(level, kMaxLevel));
}

HnswlibGraph::HnswlibGraph(const CodeSpace& codes, size_t data_bytes, const BuildOptions& options,
                           size_t capacity)
    : space_(codes, data_bytes),
      index_(&space_, 1, static_cast<size_t>(options.m),
             static_cast<size_t>(options.ef_construction), kGraphSeed),
      linking_(&index_, &space_.codes(), options.keep_pruned) {
  std::vector<std::mutex>().swap(index_.label_op_locks_);
  index_.visited_list_pool_.reset();
  Resize(capacity);
}

HnswlibGraph::~HnswlibGraph() {
  // hnswlib frees the upper lists of so many; an element that was not placed has level 0.
  index_.cur_element_count = index_.max_elements_;
}

void HnswlibGraph::Load(const void* code, int level, bool dead) {
  uint32_t node = size();
  Place(node, code, level);
  if (dead) index_.markDeletedInternal(node);
}

void HnswlibGraph::LoadLinks(uint32_t node, int level, std::span<const uint32_t> links) {
  if (node >= size()) throw std::runtime_error("links of an element that is not loaded");
  if (level < 0 || level > Level(node)) throw std::runtime_error("links on a level too high");
  if (links.size() > (level == 0 ? index_.maxM0_ : index_.maxM_)) {
    throw std::runtime_error("too many links");
  }
  for (uint32_t to : links) {
    if (to >= size() || to == node) throw std::runtime_error("link to an element that cannot be");
    if (Level(to) < level) throw std::runtime_error("link to an element that is not on the level");
  }
  sorted_.assign(links.begin(), links.end());
  std::sort(sorted_.begin(), sorted_.end());
  if (std::adjacent_find(sorted_.begin(), sorted_.end()) != sorted_.end()) {
    throw std::runtime_error("a link twice");
  }
  hnswlib::linklistsizeint* list = index_.get_linklist_at_level(node, level);
  std::copy(links.begin(), links.end(), list + 1);
  index_.setListCount(list, static_cast<unsigned short>(links.size()));  // keeps the deleted mark
}

void HnswlibGraph::LoadEntry(uint32_t node) {
  if (node >= size()) throw std::runtime_error("entry point that is not loaded");
  index_.enterpoint_node_ = node;
  index_.maxlevel_ = Level(node);
}

void HnswlibGraph::ReplaceDeadEntry() {
  if (!index_.isMarkedDeleted(index_.enterpoint_node_)) return;
  index_.enterpoint_node_ = kNoNode;  // as in an empty graph
  index_.maxlevel_ = -1;
  for (uint32_t node = 0; node < size(); node++) {
    if (!index_.isMarkedDeleted(node) && Level(node) > max_level()) LoadEntry(node);
  }
}

// Makes a node, without links.
void HnswlibGraph::Place(uint32_t node, const void* code, int level) {
  index_.cur_element_count++;
  memset(index_.get_linklist0(node), 0, index_.size_data_per_element_);
  memcpy(index_.getDataByInternalId(node), code, index_.data_size_);
  if (level > 0) {
    size_t bytes = index_.size_links_per_element_ * static_cast<size_t>(level);
    index_.linkLists_[node] = static_cast<char*>(calloc(1, bytes));
    if (index_.linkLists_[node] == nullptr) throw std::bad_alloc();
  }
  index_.element_levels_[node] = level;
}

void HnswlibGraph::Link(const void* code, uint32_t id, int level) {
  Place(id, code, level);
  linking_.Link(id, level);
}

namespace {

template <class T>
void Reallocate(T** array, size_t bytes) {
  T* moved = static_cast<T*>(realloc(*array, bytes));
  if (moved == nullptr) throw std::bad_alloc();
  *array = moved;
}

// Less is not worth it, and may be a part of the heap that serves others later.
[[maybe_unused]] constexpr size_t kWorthHugePages = 8 * 1024 * 1024;

// Elements are read in no order, so that most reads would miss the table of usual pages.
void WantHugePages([[maybe_unused]] char* begin, [[maybe_unused]] size_t bytes) {
#ifdef MADV_HUGEPAGE
  if (bytes < kWorthHugePages) return;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = (reinterpret_cast<uintptr_t>(begin) + page - 1) / page * page;
  const uintptr_t end = reinterpret_cast<uintptr_t>(begin + bytes) / page * page;
  // Where the system has none, nothing is lost.
  if (first < end) (void)madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#endif
}

}  // namespace

// hnswlib's resizeIndex without its locks and visited lists.
void HnswlibGraph::Resize(size_t capacity) {
  linking_.Resize(capacity);
  index_.element_levels_.resize(capacity);
  const size_t bytes = capacity * index_.size_data_per_element_;
  Reallocate(&index_.data_level0_memory_, bytes);
  WantHugePages(index_.data_level0_memory_, bytes);
  Reallocate(&index_.linkLists_, capacity * sizeof(char*));
  index_.max_elements_ = capacity;
}

void HnswlibGraph::FreeLinking() { linking_.FreeMemory(); }

// The searches for parents need hnswlib's visited lists.
bool HnswlibGraph::ConnectStep(std::vector<uint32_t>* parents) {
  if (size() == 0) return true;
  if (connecting_ == nullptr) {
    index_.visited_list_pool_ =
        std::make_unique<hnswlib::VisitedListPool>(1, static_cast<int>(size()));
    connecting_ = std::make_unique<Connecting>(&index_, entry_node());
  }
  if (!connecting_->tree.Step()) return false;
  parents->swap(connecting_->tree.parents());
  connecting_.reset();
  index_.visited_list_pool_.reset();
  return true;
}

bool HnswlibGraph::PackStep(const ElementLayout& layout, std::vector<uint32_t>* order) {
  if (ordering_ == nullptr) ordering_ = std::make_unique<Ordering>(&index_, entry_node(), layout);
  if (!ordering_->packing.Step()) return false;
  order->swap(ordering_->packing.order());
  ordering_.reset();
  return true;
}

bool HnswlibGraph::IsBlind(uint32_t node) const { return hnswpg::IsBlind(index_, node); }

std::span<const uint32_t> HnswlibGraph::Links(uint32_t node, int level) const {
  return List(index_, node, level);
}

}  // namespace hnswpg
