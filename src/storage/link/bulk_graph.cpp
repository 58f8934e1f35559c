#include "storage/link/bulk_graph.h"

#include "hnswpg/core/walk/walk.h"
#include "hnswpg/signal/waiters.h"
#include "hnswpg/storage/build/build_status.h"
#include "hnswpg/storage/graph/page_graph.h"
#include "hnswpg/storage/page/pending.h"

namespace hnswpg {
namespace {

template <class T>
T* AllocateArray(uint32_t n) {
  return static_cast<T*>(
      MemoryContextAllocHuge(CurrentMemoryContext, std::max<Size>(1, n) * sizeof(T)));
}

PodVector<Plan> PlanPending(const HnswIndex& index) {
  PodVector<ElementId> ids(ContextArena(CurrentMemoryContext));
  ReadPending(index, &ids);
  PodVector<Plan> plans(ContextArena(CurrentMemoryContext));
  plans.Reserve(ids.size());
  for (ElementId id : ids) plans.Push(Plan{id, kNoId, kNoId});
  return plans;
}

// What is in the graph does not change in number while the link lock is held.
uint32_t InGraph(const HnswIndex& index) {
  const Meta meta = ReadMeta(index);
  return meta.n_linked + meta.n_dead;
}

}  // namespace

// The end of the ids is read after the pending list, so it is beyond all of them.
BulkGraph::BulkGraph(const HnswIndex* index, GraphBuilder* builder)
    : index_(index),
      builder_(builder),
      plans_(PlanPending(*index)),
      end_(ReadMeta(*index).next_element),
      max_nodes_(InGraph(*index) + static_cast<uint32_t>(plans_.size())),
      node_of_(AllocateArray<uint32_t>(end_)),
      id_of_(AllocateArray<ElementId>(max_nodes_)),
      parent_of_(AllocateArray<ElementId>(max_nodes_)),
      was_dead_(AllocateArray<uint8_t>(max_nodes_)),
      codes_(index, max_nodes_) {
  std::fill(node_of_, node_of_ + end_, kNoId);
}

size_t BulkGraph::Bytes(uint32_t ids, uint32_t nodes) {
  return sizeof(uint32_t) * static_cast<size_t>(ids) +
         (2 * sizeof(ElementId) + sizeof(uint8_t) + sizeof(Plan)) * static_cast<size_t>(nodes) +
         VectorTable::Bytes(nodes);
}

bool BulkGraph::Make(bool gives_way) {
  gives_way_ = gives_way;
  if (!LoadElements()) return false;
  if (n_loaded_ > 0) {
    if (!LoadLists()) return false;
    LoadEntry();
  }
  if (!AddPending()) return false;
  for (bool done = false; !done;) {
    if (!KeepsOn()) return false;
    CheckBuild(builder_, builder_->DrainStep(&done));
  }
  CheckBuild(builder_, builder_->Finish());
  return true;
}

// Between steps.
bool BulkGraph::KeepsOn() {
  CHECK_FOR_INTERRUPTS();
  return !gives_way_ || !IsInTheWay();
}

void BulkGraph::AddNode(ElementId id, ElementId parent, bool dead, const void* code) {
  if (n_nodes_ == max_nodes_) {
    ReportDamage(index_->rel, kMetaBlock, kNoId, "more elements are linked than the metapage says");
  }
  node_of_[id] = n_nodes_;
  id_of_[n_nodes_] = id;
  parent_of_[n_nodes_] = parent;
  was_dead_[n_nodes_] = dead;
  codes_.Insert(code, id);
  n_nodes_++;
}

// Where there is no entry point nothing is alive, and nothing leads to the dead: a cleanup
// was cut short when all were. They stay out, and the graph begins anew, as it does
// where elements are linked one by one.
bool BulkGraph::LoadElements() {
  const bool has_entry = ReadMeta(*index_).entry != kNoId;
  ElementView view(index_);
  for (ElementId id = 0; id < end_; id++) {
    if (!KeepsOn()) return false;
    SlotCopy copy;
    view.Read(id, &copy);
    const char* code = view.code();
    const bool dead = copy.head.state == SlotState::kDead;
    if (!dead && copy.head.state != SlotState::kLinked) continue;
    if (!has_entry && dead) continue;
    if (!has_entry) {
      ReportDamage(index_->rel, kMetaBlock, id, "in the graph, but there is no entry point");
    }
    AddNode(id, copy.tail.parent, dead, code);
    CheckBuild(builder_, builder_->LoadElement(code, copy.head.level, dead));
  }
  n_loaded_ = n_nodes_;
  return true;
}

bool BulkGraph::LoadLists() {
  PageGraph pages(index_);
  pages.ReadUnderLocks();
  ElementId links[kMaxLinks];
  for (uint32_t node = 0; node < n_loaded_; node++) {
    if (!KeepsOn()) return false;
    if (WasDead(node)) {
      LoadDead(node);
      continue;
    }
    for (int level = Level(node); level >= 0; level--) {
      LoadList(node, level, links, pages.ReadLinks(id_of_[node], level, links));
    }
  }
  return true;
}

// Links to pending elements, which an attempt that was cut short has left, are left
// out: those are added anew. Of a dead element that nothing leads to any more, links
// may lead to slots that have other owners by now, or to none.
void BulkGraph::LoadList(uint32_t node, int level, const ElementId* links, int n) {
  uint32_t nodes[kMaxLinks];
  int kept = 0;
  for (int i = 0; i < n; i++) {
    const uint32_t to = NodeOf(links[i]);
    if (to == kNoId || to == node || Level(to) < level) continue;
    nodes[kept++] = to;
  }
  const BuildStatus status = builder_->LoadLinks(node, level, nodes, kept);
  // The elements exist, on this level: it is the list that cannot be.
  if (status == BuildStatus::kFailed) {
    const ElementId id = Id(node);
    ReportDamage(index_->rel, index_->layout.SlotBlock(id), id,
                 psprintf("its list on level %d: %s", level, builder_->error()));
  }
  CheckBuild(builder_, status);
}

// Level 0 alone: cleanup may have been cut short while it freed the upper lists.
void BulkGraph::LoadDead(uint32_t node) {
  SlotCopy copy;
  ReadSlot(*index_, id_of_[node], &copy, nullptr);
  LoadList(node, 0, copy.links, copy.tail.n_links);
}

void BulkGraph::LoadEntry() {
  const ElementId entry = ReadMeta(*index_).entry;
  const uint32_t node = NodeOf(entry);
  if (node == kNoId) {
    ReportDamage(index_->rel, index_->layout.SlotBlock(entry), entry,
                 "the entry point, but not in the graph");
  }
  CheckBuild(builder_, builder_->LoadEntry(node));
}

bool BulkGraph::AddPending() {
  ElementView view(index_);
  for (Plan& plan : plans_) {
    if (!KeepsOn()) return false;
    SlotCopy copy;
    view.Read(plan.id, &copy);
    const char* code = view.code();
    if (copy.head.state != SlotState::kPending) {
      ReportDamage(index_->rel, index_->layout.SlotBlock(plan.id), plan.id,
                   "on the pending list, but not pending");
    }
    if (copy.tail.n_tids == 0) continue;
    plan.equal = codes_.FindEqual(code, plan.id);
    if (plan.equal != kNoId) continue;
    const BuildStatus status = builder_->Add(code, copy.head.level);
    // More has become pending since the memory was reckoned: the rest one by one.
    if (status == BuildStatus::kFull) break;
    CheckBuild(builder_, status);
    plan.node = n_nodes_;
    AddNode(plan.id, kNoId, false, code);
  }
  return true;
}

int BulkGraph::Links(uint32_t node, int level, ElementId* out) const {
  const int n = builder_->Links(node, level, out);
  for (int i = 0; i < n; i++) out[i] = id_of_[out[i]];
  return n;
}

}  // namespace hnswpg
