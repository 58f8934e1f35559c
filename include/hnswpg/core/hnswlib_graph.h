// An hnswlib index as the builder uses it: filled by several threads with levels that the caller
// draws, then looked at as a graph. All that depends on the inside of HierarchicalNSW (0.8) is here
// and in hnswlib_graph.cpp.
//
// How it differs from using hnswlib as it comes:
//   - Levels are arguments. hnswlib draws a level for each element from a generator that its
//   threads
//     share without a lock. Here mult_ is 0, so whatever is drawn is worth level 0 and the level
//     given counts; an element's level depends on its number alone, however many threads link.
//   - The table of labels holds only the elements being linked, since no element is added twice.
//     That saves about 48 bytes an element.
//   - The 65,536 locks that only the updating members use are given back.
//   - Beside dead nodes (hnswlib's deleted mark, which only Load sets) addPoint does not do: it
//   links
//     every element to a dead entry point, on every level, and where a search finds nothing but
//     dead ones it takes the last of no neighbours. LinkBesideDead takes its place then; the entry
//     it begins at is alive, so a search that begins there finds at least that. It is addPoint step
//     by step, otherwise, with the same locks in the same order, and makes the same graph where
//     addPoint has neither difficulty.
//
// Races that hnswlib 0.8 has and that do no harm here (a thread sanitizer reports them):
//   - getRandomLevel: the generator, see above.
//   - addPoint reads enterpoint_node_ after releasing `global`, while an element of a new top level
//     may be storing it: both the old and the new element can be searched from.
// It also reports a possible deadlock, since a thread keeps the lock of its own element x while it
// takes those of others. There is none: a search expands everything it returns, so it has held the
// lock of each neighbour it chooses, which by then is linked. Only a search, then, can wait for an
// element y that is still being linked, and it does so on a level on which y's thread has done its
// search; whatever y's thread waits for is on a lower level, and waiting goes down in a circle
// never.
//
// Each list is guarded by hnswlib's lock of its element while elements are linked. What is called
// afterwards takes no locks.
#ifndef HNSWPG_CORE_HNSWLIB_GRAPH_H_
#define HNSWPG_CORE_HNSWLIB_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "hnswpg/core/code.h"
#include "hnswpg/core/hnswlib_space.h"
#include "hnswpg/core/layout.h"
#include "hnswpg/core/link_pool.h"
#include "hnswpg/core/spanning_tree.h"

namespace hnswpg {

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

// Nodes below are hnswlib's: numbered in the order in which threads began to link them, while the
// id is the label. With one thread the two are equal.
class HnswlibGraph : public ElementLinker {
 public:
  // Raises std::bad_alloc, std::runtime_error.
  HnswlibGraph(const CodeSpace& codes, size_t data_bytes, int m, int ef_construction,
               size_t capacity);

  // A graph that exists, before the first Link, on one thread: its nodes in turn, then its lists
  // and its entry. Node and id are equal. What cannot be raises std::runtime_error.
  void Load(const void* code, int level, bool dead);
  void LoadLinks(uint32_t node, int level, std::span<const uint32_t> links);
  void LoadEntry(uint32_t node);
  // Between loading and linking: lets searches begin at a live node of the highest level where the
  // entry is dead. entry_node() is kNoNode if all are dead.
  void ReplaceDeadEntry();

  // Called by all threads. `code` has data_bytes; 0 <= level <= kMaxLevel. At most
  // `capacity` calls, loaded nodes included. After an exception the graph is of no use.
  void Link(const void* code, uint32_t id, int level) override;

  // Makes room; nobody may be linking.
  void Resize(size_t capacity);

  // After the last Link: frees what linking needed, then makes every node reachable.
  void FreeLocks();
  TreeStatus Connect(bool (*cancelled)(void*), void* arg, std::vector<uint32_t>* parents);

  uint32_t size() const { return static_cast<uint32_t>(index_.cur_element_count); }
  uint32_t entry_node() const { return index_.enterpoint_node_; }
  int max_level() const { return index_.maxlevel_; }
  int Level(uint32_t node) const { return index_.element_levels_[node]; }
  std::span<const uint32_t> Links(uint32_t node, int level) const;
  const void* Code(uint32_t node) const { return index_.getDataByInternalId(node); }
  uint32_t Id(uint32_t node) const { return static_cast<uint32_t>(index_.getExternalLabel(node)); }

  static constexpr uint32_t kNoNode = 0xFFFFFFFF;

 private:
  uint32_t Place(const void* code, uint32_t id, int level);
  void LinkBesideDead(const void* code, uint32_t id, int level);
  uint32_t Nearest(const void* code, uint32_t start, int level);

  HnswlibSpace space_;
  hnswlib::HierarchicalNSW<float> index_;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_HNSWLIB_GRAPH_H_
