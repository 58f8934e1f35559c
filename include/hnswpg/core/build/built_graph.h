// A finished graph in memory, to be read: wherever it was built, by threads here, by another
// machine, or from a file. Who writes graphs to pages knows no more of their making than
// this.
//
// The elements are 0 .. size() - 1. Nothing changes while it is read; nothing here fails.
#ifndef HNSWPG_CORE_BUILD_BUILT_GRAPH_H_
#define HNSWPG_CORE_BUILD_BUILT_GRAPH_H_

#include <cstdint>

namespace hnswpg {

class BuiltGraph {
 public:
  static constexpr uint32_t kNoParent = 0xFFFFFFFF;

  virtual uint32_t size() const noexcept = 0;
  virtual uint32_t entry_point() const noexcept = 0;  // size() > 0
  virtual int Level(uint32_t id) const noexcept = 0;
  int max_level() const noexcept { return Level(entry_point()); }
  // Writes the neighbours to `out` (room for 2m at level 0, m above), returns
  // their number. level <= Level(id).
  virtual int Links(uint32_t id, int level, uint32_t* out) const noexcept = 0;
  // The element whose level-0 list holds this one, in a tree whose root is the entry point,
  // which has kNoParent. All have kNoParent where the graph was not sealed.
  virtual uint32_t Parent(uint32_t id) const noexcept = 0;
  virtual const void* Code(uint32_t id) const noexcept = 0;
  // Whether the element was linked by codes that do not tell its neighbours apart
  // (hnswpg/core/space/code_quality.h): then its links, and what a search finds around it, are
  // not to be relied upon.
  virtual bool IsBlind(uint32_t id) const noexcept = 0;
  // How many are; looks at all of them.
  uint32_t CountBlind() const noexcept {
    uint32_t n = 0;
    for (uint32_t id = 0; id < size(); id++) n += IsBlind(id) ? 1 : 0;
    return n;
  }
  // Which element of the input it is: another one than `id` where the graph was packed.
  virtual uint32_t IdWhenAdded(uint32_t id) const noexcept = 0;

 protected:
  ~BuiltGraph() = default;  // belongs to who built it
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_BUILT_GRAPH_H_
