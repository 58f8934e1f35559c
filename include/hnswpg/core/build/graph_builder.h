// Builds a graph in memory with hnswlib, on several threads.
//
// This is the one place that meets hnswlib, and the facade that keeps its
// exceptions and its threads away from PostgreSQL: every member is noexcept and
// reports through BuildStatus. The threads it starts block every signal and
// call nothing but this folder's code and hnswlib's, so the process that owns the
// builder may be a PostgreSQL backend.
//
// Life: Create, Add ids 0, 1, 2, ... , DrainStep until it says it is done, SealStep
// until it is, PackStep until it is or not at all, then read the graph, then Destroy. Destroy is
// allowed at any moment, joins the threads and never waits longer than one element's linking.
//
// Or, to go on with a graph that exists: Create, LoadElement for each of its
// elements (ids 0 .. n-1), LoadLinks for their lists, LoadEntry, then Add (ids n,
// n+1, ...), DrainStep until done, Finish, read, Destroy. Loading searches nothing. A graph of
// which nothing is dead may be sealed and packed in place of Finish, with or without additions:
// so what was built elsewhere, which knows of no parents, gets them.
//
// Dead elements of a loaded graph keep their links and lead on, but none becomes a
// neighbour of an added element, nor do searches begin at one: where the loaded
// entry point is dead, they begin at a live element of the highest level there is;
// where all are dead, the elements added are a graph of their own.
//
// Guarantee of sealing: every element can be reached from the entry point over
// level-0 links. hnswlib alone does not promise that (a link back to a new
// element may be pruned by every neighbour). It computes a spanning tree of
// level-0 links rooted at the entry point, Parent(id) being the element whose
// level-0 list holds id, and adds a link where the graph has none, replacing a
// link that the tree does not need where the list is full.
#ifndef HNSWPG_CORE_BUILD_GRAPH_BUILDER_H_
#define HNSWPG_CORE_BUILD_GRAPH_BUILDER_H_

#include <cstddef>
#include <cstdint>

#include "hnswpg/core/build/built_graph.h"
#include "hnswpg/core/format/layout.h"
#include "hnswpg/core/space/code.h"

namespace hnswpg {

enum class BuildStatus {
  kOk,
  kFull,         // memory_limit reached: this element was not taken, none will be
  kOutOfMemory,  // the system refused memory
  kFailed,       // see error()
};

// The caller has checked m (2..100) and ef_construction (4..1000).
struct BuildOptions {
  int m = 16;
  int ef_construction = 64;
  // Threads that link, the caller's own included: 1 means that nothing but the
  // caller's thread links, and then the graph depends on the input alone. A
  // small memory_limit pays for fewer.
  int threads = 1;
  bool keep_pruned = true;  // see linking.h; false: hnswlib's graph, link for link
  size_t memory_limit = 0;  // bytes, for everything the builder holds
  // Of the limit, for what the caller keeps of each element: until Seal, and after it.
  size_t bytes_beside_linking = 0;
  size_t bytes_beside_sealed = 0;
  size_t expected_elements = 0;  // how much room to make at first; a guess. Loaded ones count too
};

class GraphBuilder final : public BuiltGraph {
 public:
  // Null when memory is short. memory_limit may be too small for even one
  // element; then the first Add says kFull.
  static GraphBuilder* Create(const CodeSpace& space, const BuildOptions& options) noexcept;
  static void Destroy(GraphBuilder* builder) noexcept;  // null is allowed

  GraphBuilder(const GraphBuilder&) = delete;
  GraphBuilder& operator=(const GraphBuilder&) = delete;

  // Takes over an element of a graph that exists; its id is the number of elements
  // taken so far. Before the first Add. 0 <= level <= kMaxLevel.
  BuildStatus LoadElement(const void* code, int level, bool dead) noexcept;
  // Its list on one level <= its level (`n` may be 0; a list that is not loaded is
  // empty). All elements that it leads to are loaded and have that level; nobody is in
  // its own list, nor anybody there twice. At most 2m links at level 0, m above. kFailed
  // where that is not so: what is read from a damaged file does no harm.
  BuildStatus LoadLinks(uint32_t id, int level, const uint32_t* links, int n) noexcept;
  // The entry point, required where anything is loaded. Its level need not be the
  // highest; lists on levels above its own are kept and serve nobody.
  BuildStatus LoadEntry(uint32_t id) noexcept;

  // Takes a copy of the code of the next element, whose id is the number of
  // elements taken so far. Links an element on the caller's thread when the
  // queue is full. At most a few milliseconds, except when room must be made.
  BuildStatus Add(const void* code) noexcept;
  // For an element that has its level already, 0 .. kMaxLevel.
  BuildStatus Add(const void* code, int level) noexcept;

  // Links one queued element on the caller's thread, or waits at most 10 ms for
  // the other threads. *done says that every element is linked.
  BuildStatus DrainStep(bool* done) noexcept;

  // After DrainStep said done: seals the graph, a step of a few milliseconds at a time,
  // on the caller's thread, which is free to do something else, or to Destroy, between
  // steps. Frees what only linking needed. *done says that the graph is sealed. kFailed where a
  // dead element was loaded, or elements and no entry point.
  BuildStatus SealStep(bool* done) noexcept;

  // After SealStep said done, once: numbers the elements anew, so that those which a search
  // measures together lie on the same page of `layout`, in steps likewise. `layout` is the
  // same each time. When *done, the members below know an element by its new id;
  // before that the graph is not to be read.
  BuildStatus PackStep(const ElementLayout& layout, bool* done) noexcept;

  // After DrainStep said done: ends the threads and frees what only linking
  // needed. Sealing without its guarantee, and without parents.
  BuildStatus Finish() noexcept;

  uint32_t size() const noexcept override;  // elements taken
  // Of them, those that are loaded, linked or being linked by now. At any moment.
  uint32_t linked() const noexcept;
  size_t memory_used() const noexcept;  // bytes, by the builder's own count
  // Bytes the limit must have for `n` elements, loaded and added, when so many are
  // expected. Where fewer are expected the limit is met earlier, since making room
  // copies. Allocates nothing.
  size_t MemoryNeeded(size_t n) const noexcept;
  const char* error() const noexcept;  // after kFailed; never null

  // The graph after Seal or Finish.
  //
  // The loaded entry point, unless an element that was added has taken its place: one
  // of a higher level than its own (than that of every live element, if it is
  // dead), or, where all that was loaded is dead, the highest that was added.
  uint32_t entry_point() const noexcept override;
  int Level(uint32_t id) const noexcept override;
  int Links(uint32_t id, int level, uint32_t* out) const noexcept override;
  bool IsBlind(uint32_t id) const noexcept override;     // after DrainStep said done
  uint32_t Parent(uint32_t id) const noexcept override;  // after SealStep
  const void* Code(uint32_t id) const noexcept override;
  uint32_t IdWhenAdded(uint32_t id) const noexcept override;

 private:
  struct Impl;
  explicit GraphBuilder(Impl* impl) : impl_(impl) {}
  ~GraphBuilder() = default;
  Impl* impl_;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_GRAPH_BUILDER_H_
