// An hnswlib index as the builder uses it: filled by several threads with levels that the caller
// draws, then looked at as a graph. All that depends on the inside of HierarchicalNSW (0.8) is here
// and in linking.
//
// How it differs from using hnswlib as it comes:
//   - Levels are arguments. hnswlib draws a level for each element from a generator that its
//     threads share without a lock; here an element's level depends on its number alone, however
//     many threads link.
//   - Elements are linked by HnswlibLinking instead of addPoint (see there), which makes the same
//   graph,
//     but for the fillers that it adds.
//     hnswlib's locks, visited lists and its table of labels are not allocated, or given back: a
//     node's number is the id.
//   - Beside dead nodes (hnswlib's deleted mark, which only Load sets) addPoint would not do: it
//     links every element to a dead entry point, on every level, and where a search finds nothing
//     but dead ones it takes the last of no neighbours. Here the entry that linking begins at is
//     alive, so a search that begins there finds at least that.
//
// What is called after linking takes no locks.
#ifndef HNSWPG_CORE_BUILD_HNSWLIB_GRAPH_H_
#define HNSWPG_CORE_BUILD_HNSWLIB_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "core/build/hnswlib_index.h"
#include "core/build/hnswlib_space.h"
#include "core/build/link_pool.h"
#include "core/build/linking.h"
#include "hnswpg/core/format/layout.h"
#include "hnswpg/core/space/code.h"

namespace hnswpg {

struct BuildOptions;

// hnswlib's own default, so that an index built by its examples is the same graph.
inline constexpr size_t kGraphSeed = 100;

// Draws the levels that hnswlib would draw, one for each element in turn.
class LevelGenerator {
 public:
  explicit LevelGenerator(int m);
  // 0 .. kMaxLevel. What is drawn beyond is cut off; with m = 2 that is one element in 10^12.
  int Next();

 private:
  std::default_random_engine engine_;
  double mult_;
};

class HnswlibGraph : public PoolTarget {
 public:
  // Raises std::bad_alloc, std::runtime_error.
  HnswlibGraph(const CodeSpace& codes, size_t data_bytes, const BuildOptions& options,
               size_t capacity);
  ~HnswlibGraph() override;

  // A graph that exists, before the first Link, on one thread: its nodes 0, 1, ... in turn,
  // then its lists and its entry. What cannot be raises std::runtime_error.
  void Load(const void* code, int level, bool dead);
  void LoadLinks(uint32_t node, int level, std::span<const uint32_t> links);
  void LoadEntry(uint32_t node);
  // Between loading and linking: lets searches begin at a live node of the highest level where the
  // entry is dead. entry_node() is kNoNode if all are dead.
  void ReplaceDeadEntry();

  // Called by all threads, once for each id < capacity that is not loaded. `code` has data_bytes;
  // 0 <= level <= kMaxLevel. After an exception the graph is of no use.
  void Link(const void* code, uint32_t id, int level) override;

  // Makes room; nobody may be linking.
  void Resize(size_t capacity);

  // After the last Link: frees what linking needed, then makes every node reachable, in steps of a
  // few milliseconds. True when done; the parents are what SpanningTree says.
  void FreeLinking();
  bool ConnectStep(std::vector<uint32_t>* parents);
  // Packing for the level-0 lists, from the entry on, likewise. There is an entry. The layout is
  // the same each time.
  bool PackStep(const ElementLayout& layout, std::vector<uint32_t>* order);

  // Nodes that are loaded, linked or being linked.
  uint32_t size() const { return static_cast<uint32_t>(index_.cur_element_count); }
  uint32_t entry_node() const { return index_.enterpoint_node_; }
  int max_level() const { return index_.maxlevel_; }
  int Level(uint32_t node) const { return index_.element_levels_[node]; }
  std::span<const uint32_t> Links(uint32_t node, int level) const;
  // Whether the node was linked by codes that do not tell its neighbours apart (code_quality.h).
  bool IsBlind(uint32_t node) const;
  const void* Code(uint32_t node) const { return index_.getDataByInternalId(node); }

  static constexpr uint32_t kNoNode = 0xFFFFFFFF;

 private:
  struct Connecting;
  struct Ordering;

  void Place(uint32_t node, const void* code, int level);

  HnswlibSpace space_;
  HnswlibIndex index_;
  HnswlibLinking linking_;
  std::vector<uint32_t> sorted_;  // LoadLinks: a list
  // Between steps.
  std::unique_ptr<Connecting> connecting_;
  std::unique_ptr<Ordering> ordering_;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_HNSWLIB_GRAPH_H_
