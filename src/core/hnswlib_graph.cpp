#include "hnswpg/core/hnswlib_graph.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace hnswpg {
namespace {

using Index = hnswlib::HierarchicalNSW<float>;

// How many elements a search for a parent returns, and how wide it looks from a start of its own.
constexpr size_t kNear = 16;
constexpr size_t kNearEf = 64;

std::span<const uint32_t> List(const Index& index, uint32_t node, int level) {
  hnswlib::linklistsizeint* list = index.get_linklist_at_level(node, level);
  return {list + 1, index.getListCount(list)};
}

// The level-0 lists, to be mended.
class LevelZero : public LinkGraph {
 public:
  explicit LevelZero(Index* index) : index_(*index) {}

  uint32_t size() const override { return static_cast<uint32_t>(index_.cur_element_count); }
  size_t max_links() const override { return index_.maxM0_; }
  std::span<const uint32_t> Links(uint32_t node) const override { return List(index_, node, 0); }

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

  Index& index_;
};

}  // namespace

LevelGenerator::LevelGenerator(int m) : mult_(1 / std::log(1.0 * m)) { engine_.seed(kGraphSeed); }

int LevelGenerator::Next() {
  std::uniform_real_distribution<double> distribution(0.0, 1.0);
  double level = -std::log(distribution(engine_)) * mult_;
  return static_cast<int>(std::min<double>(level, kMaxLevel));
}

HnswlibGraph::HnswlibGraph(const CodeSpace& codes, size_t data_bytes, int m, int ef_construction,
                           size_t capacity)
    : space_(codes, data_bytes),
      index_(&space_, capacity, static_cast<size_t>(m), static_cast<size_t>(ef_construction),
             kGraphSeed) {
  index_.mult_ = 0;
  std::vector<std::mutex>().swap(index_.label_op_locks_);
}

void HnswlibGraph::Link(const void* code, uint32_t id, int level) {
  index_.addPoint(code, static_cast<hnswlib::labeltype>(id), level);
  std::lock_guard<std::mutex> lock(index_.label_lookup_lock);
  index_.label_lookup_.erase(id);
}

void HnswlibGraph::Resize(size_t capacity) { index_.resizeIndex(capacity); }

void HnswlibGraph::FreeLocks() {
  std::vector<std::mutex>().swap(index_.link_list_locks_);
  index_.visited_list_pool_.reset();
}

TreeStatus HnswlibGraph::Connect(bool (*cancelled)(void*), void* arg,
                                 std::vector<uint32_t>* parents) {
  if (size() == 0) return TreeStatus::kDone;
  auto visited = std::make_unique<hnswlib::VisitedListPool>(1, static_cast<int>(size()));
  index_.visited_list_pool_ = std::move(visited);
  LevelZero level_zero(&index_);
  TreeStatus status = BuildSpanningTree(&level_zero, entry_node(), cancelled, arg, parents);
  index_.visited_list_pool_.reset();
  return status;
}

std::span<const uint32_t> HnswlibGraph::Links(uint32_t node, int level) const {
  return List(index_, node, level);
}

}  // namespace hnswpg
