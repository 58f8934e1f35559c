// The facade: owns the graph, the threads and the memory account, and turns every exception into a
// status. What was said once (kFailed, kOutOfMemory, kFull) stays said.
#include "hnswpg/core/build/graph_builder.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <vector>

#include "core/build/build_memory.h"
#include "core/build/hnswlib_graph.h"
#include "core/build/link_pool.h"
#include "core/build/spanning_tree.h"
#include "hnswpg/core/format/layout.h"

namespace hnswpg {
struct GraphBuilder::Impl {
  Impl(const CodeSpace& space, const BuildOptions& options)
      : codes(space), options(options), memory(space, options), levels(options.m) {
    padded.resize(memory.data_bytes());
  }

  bool Start();
  bool Grow();
  bool MakeRoom(int level);
  BuildStatus Load(const void* code, int level, bool dead);
  BuildStatus LoadLinks(uint32_t id, int level, std::span<const uint32_t> links);
  BuildStatus LoadEntry(uint32_t id);
  void BeginLinking();
  BuildStatus Take(const void* code, int level);
  BuildStatus Drain(bool* done);
  BuildStatus FinishGraph();
  BuildStatus SealGraph(bool* done);
  BuildStatus PackGraph(const ElementLayout& layout, bool* done);
  bool FindPlaces();
  uint32_t Entry() const;
  BuildStatus Fail(BuildStatus failure, const char* text) noexcept;
  BuildStatus FailWith(std::exception_ptr exception) noexcept;
  template <class Body>
  BuildStatus Guarded(Body body) noexcept;

  uint32_t Added(uint32_t id) const { return order.empty() ? id : order[id]; }
  uint32_t Id(uint32_t added) const { return places.empty() ? added : places[added]; }

  const CodeSpace codes;
  const BuildOptions options;
  const BuildMemory memory;
  LevelGenerator levels;
  std::vector<char> padded;  // a code and the padding that the graph wants; the padding stays 0

  // In this order: the threads must end before the graph.
  std::unique_ptr<HnswlibGraph> graph;
  // None if the caller's thread links alone, nor before the first Add, nor when finished.
  std::unique_ptr<LinkPool> pool;

  uint32_t size = 0;
  uint32_t loaded = 0;
  uint32_t n_dead = 0;  // of those
  uint32_t loaded_entry = kNoParent;
  size_t capacity = 0;
  size_t upper_bytes = 0;
  bool full = false;
  bool linking = false;   // something was added
  bool finished = false;  // by Finish or SealStep
  bool sealed = false;
  bool packed = false;
  uint32_t placed = 0;  // elements that `places` has

  // Ids as added, like all the graph knows; what the members that read it take and give are places,
  // once it was packed.
  std::vector<uint32_t> parents;
  std::vector<uint32_t> order;   // ids as added, by place
  std::vector<uint32_t> places;  // and back; both are empty where nothing was packed

  BuildStatus failure = BuildStatus::kOk;
  char error[256] = "";
};

// False if the limit has no room for anything.
bool GraphBuilder::Impl::Start() {
  size_t first = memory.FirstCapacity();
  if (first == 0) return false;
  graph = std::make_unique<HnswlibGraph>(codes, memory.data_bytes(), options, first);
  capacity = first;
  return true;
}

// False if the limit has no room for more.
bool GraphBuilder::Impl::Grow() {
  size_t next = memory.NextCapacity(capacity);
  if (next == 0 || memory.Most(next) + upper_bytes > options.memory_limit) return false;
  if (pool != nullptr) {
    pool->Pause();
    if (std::exception_ptr exception = pool->Failure()) std::rethrow_exception(exception);
  }
  graph->Resize(next);
  capacity = next;
  if (pool != nullptr) pool->Resume();
  return true;
}

bool GraphBuilder::Impl::MakeRoom(int level) {
  if (graph == nullptr && !Start()) return false;
  if (size == capacity && !Grow()) return false;
  size_t upper = upper_bytes + memory.UpperLists(level);
  if (memory.Most(capacity) + upper > options.memory_limit) return false;
  upper_bytes = upper;
  return true;
}

BuildStatus GraphBuilder::Impl::Load(const void* code, int level, bool dead) {
  if (linking || finished) return Fail(BuildStatus::kFailed, "element loaded too late");
  if (full) return BuildStatus::kFull;
  if (level < 0 || level > kMaxLevel) return Fail(BuildStatus::kFailed, "impossible level");
  if (!MakeRoom(level)) {
    full = true;
    return BuildStatus::kFull;
  }
  memcpy(padded.data(), code, codes.code_bytes());
  graph->Load(padded.data(), level, dead);
  size++;
  loaded++;
  n_dead += dead ? 1 : 0;
  return BuildStatus::kOk;
}

BuildStatus GraphBuilder::Impl::LoadLinks(uint32_t id, int level, std::span<const uint32_t> links) {
  if (linking || finished) return Fail(BuildStatus::kFailed, "links loaded too late");
  if (loaded == 0) return Fail(BuildStatus::kFailed, "links of no loaded element");
  graph->LoadLinks(id, level, links);
  return BuildStatus::kOk;
}

BuildStatus GraphBuilder::Impl::LoadEntry(uint32_t id) {
  if (linking || finished) return Fail(BuildStatus::kFailed, "entry point loaded too late");
  if (loaded == 0) return Fail(BuildStatus::kFailed, "entry point not loaded");
  graph->LoadEntry(id);
  loaded_entry = id;
  return BuildStatus::kOk;
}

void GraphBuilder::Impl::BeginLinking() {
  if (loaded > 0) {
    if (loaded_entry == kNoParent) throw std::runtime_error("graph loaded without entry point");
    graph->ReplaceDeadEntry();
  }
  if (memory.threads() > 1) {
    pool = std::make_unique<LinkPool>(graph.get(), memory.data_bytes(), memory.queue_slots(),
                                      memory.threads() - 1, size);
  }
  linking = true;
}

BuildStatus GraphBuilder::Impl::Take(const void* code, int level) {
  if (finished) return Fail(BuildStatus::kFailed, "element added to a sealed graph");
  if (full) return BuildStatus::kFull;
  if (level < 0 || level > kMaxLevel) return Fail(BuildStatus::kFailed, "impossible level");
  if (!MakeRoom(level)) {
    full = true;
    return BuildStatus::kFull;
  }
  if (!linking) BeginLinking();
  memcpy(padded.data(), code, codes.code_bytes());
  if (pool == nullptr) {
    graph->Link(padded.data(), size, level);
  } else {
    pool->Push(padded.data(), level);
  }
  size++;
  return BuildStatus::kOk;
}

BuildStatus GraphBuilder::Impl::Drain(bool* done) {
  *done = pool == nullptr || pool->Step();
  return BuildStatus::kOk;
}

BuildStatus GraphBuilder::Impl::FinishGraph() {
  if (finished) return BuildStatus::kOk;
  finished = true;
  if (graph == nullptr) return BuildStatus::kOk;
  if (pool != nullptr) {
    pool->Stop();
    if (std::exception_ptr exception = pool->Failure()) std::rethrow_exception(exception);
    pool.reset();
  }
  if (graph->size() != size)
    return Fail(BuildStatus::kFailed, "graph sealed before it was drained");
  graph->FreeLinking();
  return BuildStatus::kOk;
}

BuildStatus GraphBuilder::Impl::SealGraph(bool* done) {
  *done = sealed;
  if (sealed) return BuildStatus::kOk;
  if (n_dead > 0) {
    return Fail(BuildStatus::kFailed, "a graph with dead elements cannot be sealed");
  }
  if (loaded > 0 && loaded_entry == kNoParent) {
    return Fail(BuildStatus::kFailed, "graph loaded without entry point");
  }
  BuildStatus status = FinishGraph();
  if (status != BuildStatus::kOk) return status;
  *done = sealed = graph == nullptr || graph->ConnectStep(&parents);
  return BuildStatus::kOk;
}

BuildStatus GraphBuilder::Impl::PackGraph(const ElementLayout& layout, bool* done) {
  *done = false;
  if (!sealed || packed) return Fail(BuildStatus::kFailed, "packed too early or twice");
  if (size > 0 && order.empty()) {
    graph->PackStep(layout, &order);
    return BuildStatus::kOk;
  }
  *done = packed = FindPlaces();
  return BuildStatus::kOk;
}

// A step of turning `order` round: room for the places first. True when done.
bool GraphBuilder::Impl::FindPlaces() {
  constexpr uint32_t kStep = 1 << 18;
  if (places.size() < size) {
    places.reserve(size);
    places.resize(std::min<size_t>(size, places.size() + kStep));
    return false;
  }
  const uint32_t end = std::min(size, placed + kStep / 8);  // written in no order
  for (; placed < end; placed++) places[order[placed]] = placed;
  return placed == size;
}

// The id of the entry point: see the header. A loaded one that stands in for a dead one is nobody
// else's business.
uint32_t GraphBuilder::Impl::Entry() const {
  uint32_t node = graph->entry_node();
  return Id(node < loaded || node == HnswlibGraph::kNoNode ? loaded_entry : node);
}

BuildStatus GraphBuilder::Impl::Fail(BuildStatus status, const char* text) noexcept {
  failure = status;
  snprintf(error, sizeof(error), "%s", text);
  if (pool != nullptr) pool->Stop();
  return failure;
}

BuildStatus GraphBuilder::Impl::FailWith(std::exception_ptr exception) noexcept {
  try {
    std::rethrow_exception(exception);
  } catch (const std::bad_alloc&) {
    return Fail(BuildStatus::kOutOfMemory, "out of memory");
  } catch (const std::exception& e) {
    // hnswlib says so where malloc fails.
    bool memory = strncmp(e.what(), "Not enough memory", 17) == 0;
    return Fail(memory ? BuildStatus::kOutOfMemory : BuildStatus::kFailed, e.what());
  } catch (...) {
    return Fail(BuildStatus::kFailed, "unknown exception");
  }
}

// Runs `body` unless something failed before, here or in a thread.
template <class Body>
BuildStatus GraphBuilder::Impl::Guarded(Body body) noexcept {
  if (failure != BuildStatus::kOk) return failure;
  try {
    BuildStatus status = body();
    if (pool != nullptr && status != BuildStatus::kFailed) {
      if (std::exception_ptr exception = pool->Failure()) return FailWith(exception);
    }
    return status;
  } catch (...) {
    return FailWith(std::current_exception());
  }
}

GraphBuilder* GraphBuilder::Create(const CodeSpace& space, const BuildOptions& options) noexcept {
  try {
    auto impl = std::make_unique<Impl>(space, options);
    auto* builder = new GraphBuilder(impl.get());
    impl.release();
    return builder;
  } catch (...) {
    return nullptr;
  }
}

void GraphBuilder::Destroy(GraphBuilder* builder) noexcept {
  if (builder == nullptr) return;
  delete builder->impl_;
  delete builder;
}

BuildStatus GraphBuilder::LoadElement(const void* code, int level, bool dead) noexcept {
  return impl_->Guarded([&] { return impl_->Load(code, level, dead); });
}

BuildStatus GraphBuilder::LoadLinks(uint32_t id, int level, const uint32_t* links, int n) noexcept {
  size_t count = static_cast<size_t>(std::max(n, 0));
  return impl_->Guarded([&] { return impl_->LoadLinks(id, level, {links, count}); });
}

BuildStatus GraphBuilder::LoadEntry(uint32_t id) noexcept {
  return impl_->Guarded([&] { return impl_->LoadEntry(id); });
}

BuildStatus GraphBuilder::Add(const void* code) noexcept {
  return impl_->Guarded([&] { return impl_->Take(code, impl_->levels.Next()); });
}

BuildStatus GraphBuilder::Add(const void* code, int level) noexcept {
  return impl_->Guarded([&] { return impl_->Take(code, level); });
}

BuildStatus GraphBuilder::DrainStep(bool* done) noexcept {
  *done = false;
  return impl_->Guarded([&] { return impl_->Drain(done); });
}

BuildStatus GraphBuilder::SealStep(bool* done) noexcept {
  *done = false;
  return impl_->Guarded([&] { return impl_->SealGraph(done); });
}

BuildStatus GraphBuilder::PackStep(const ElementLayout& layout, bool* done) noexcept {
  *done = false;
  return impl_->Guarded([&] { return impl_->PackGraph(layout, done); });
}

BuildStatus GraphBuilder::Finish() noexcept {
  return impl_->Guarded([&] { return impl_->FinishGraph(); });
}

uint32_t GraphBuilder::size() const noexcept { return impl_->size; }

uint32_t GraphBuilder::linked() const noexcept {
  return impl_->graph == nullptr ? 0 : impl_->graph->size();
}

size_t GraphBuilder::memory_used() const noexcept {
  if (impl_->graph == nullptr) return 0;
  size_t arrays = impl_->packed     ? impl_->memory.Packed(impl_->capacity, impl_->size)
                  : impl_->finished ? impl_->memory.Sealed(impl_->capacity, impl_->size)
                                    : impl_->memory.Linking(impl_->capacity);
  return arrays + impl_->upper_bytes;
}

size_t GraphBuilder::MemoryNeeded(size_t n) const noexcept { return impl_->memory.Needed(n); }

const char* GraphBuilder::error() const noexcept { return impl_->error; }

uint32_t GraphBuilder::entry_point() const noexcept { return impl_->Entry(); }

int GraphBuilder::Level(uint32_t id) const noexcept {
  return impl_->graph->Level(impl_->Added(id));
}

int GraphBuilder::Links(uint32_t id, int level, uint32_t* out) const noexcept {
  int count = 0;
  for (uint32_t to : impl_->graph->Links(impl_->Added(id), level)) out[count++] = impl_->Id(to);
  return count;
}

bool GraphBuilder::IsBlind(uint32_t id) const noexcept {
  return impl_->graph->IsBlind(impl_->Added(id));
}

uint32_t GraphBuilder::Parent(uint32_t id) const noexcept {
  if (impl_->parents.empty()) return kNoParent;
  uint32_t parent = impl_->parents[impl_->Added(id)];
  return parent == kTreeRoot ? kNoParent : impl_->Id(parent);
}

const void* GraphBuilder::Code(uint32_t id) const noexcept {
  return impl_->graph->Code(impl_->Added(id));
}

uint32_t GraphBuilder::IdWhenAdded(uint32_t id) const noexcept { return impl_->Added(id); }

}  // namespace hnswpg
