// An index's graph in memory, to which its pending elements are added. Private to the
// files bulk_*.cpp.
//
// In memory elements are nodes, numbered as they are loaded and then as they are
// added; slots that are free or hold TIDs are left out. The link lock is held
// exclusively from loading to the end of writing, so nobody else changes a list, adds
// to the graph or takes from it. VACUUM may mark elements as dead meanwhile, which
// changes nothing of this.
#ifndef HNSWPG_STORAGE_LINK_BULK_GRAPH_H_
#define HNSWPG_STORAGE_LINK_BULK_GRAPH_H_

#include "hnswpg/core/build/graph_builder.h"
#include "hnswpg/storage/graph/element_view.h"
#include "hnswpg/storage/page/index.h"
#include "storage/link/vector_table.h"

namespace hnswpg {

// What is to become of a pending element.
struct Plan {
  ElementId id;
  uint32_t node;    // kNoId: it was not added
  ElementId equal;  // because it is equal to this one; or kNoId
};

class BulkGraph {
 public:
  // Reads what is pending and how much there is. The builder is empty, and outlives
  // this object. Memory from the current context, as of everything below.
  BulkGraph(const HnswIndex* index, GraphBuilder* builder);

  // Bytes that an object takes beside its builder, for so many ids and nodes.
  static size_t Bytes(uint32_t ids, uint32_t nodes);

  // Loads what is linked or dead (the dead not where nothing else is in the graph and they
  // have lost the entry point), adds what is pending (but not what is equal to an
  // element that is in already, nor what has no row any more) and links it.
  // Interruptible. False if `gives_way` and this process stands in somebody's way.
  bool Make(bool gives_way);

  // ---- the graph that was made ----
  uint32_t n_nodes() const { return n_nodes_; }
  uint32_t n_loaded() const { return n_loaded_; }  // the nodes below are not new
  ElementId Id(uint32_t node) const { return id_of_[node]; }
  int Level(uint32_t node) const { return builder_->Level(node); }
  // Whether the element was added by a code that does not tell it from its neighbours.
  bool IsBlind(uint32_t node) const { return builder_->IsBlind(node); }
  // The list in memory, as ids, for kMaxLinks.
  int Links(uint32_t node, int level, ElementId* out) const;
  // Whether the element was dead when it was loaded. Then its lists are as they were:
  // nobody becomes a neighbour of it.
  bool WasDead(uint32_t node) const { return was_dead_[node] != 0; }
  // Whether `child` was loaded as a child of the element.
  bool IsChild(ElementId child, ElementId parent) const {
    const uint32_t node = NodeOf(child);
    return node < n_loaded_ && parent_of_[node] == parent;
  }
  float Distance(ElementId a, ElementId b) const {
    return index_->space.Distance(builder_->Code(NodeOf(a)), builder_->Code(NodeOf(b)));
  }
  uint32_t NodeOf(ElementId id) const { return id < end_ ? node_of_[id] : kNoId; }
  // Of the pending elements, oldest first.
  const PodVector<Plan>& plans() const { return plans_; }

 private:
  bool KeepsOn();
  bool LoadElements();
  bool LoadLists();
  void LoadList(uint32_t node, int level, const ElementId* links, int n);
  void LoadDead(uint32_t node);
  void LoadEntry();
  bool AddPending();
  void AddNode(ElementId id, ElementId parent, bool dead, const void* code);

  const HnswIndex* index_;
  GraphBuilder* builder_;
  bool gives_way_ = false;
  PodVector<Plan> plans_;
  ElementId end_;       // of the ids
  uint32_t max_nodes_;  // that there can be
  uint32_t n_loaded_ = 0;
  uint32_t n_nodes_ = 0;
  uint32_t* node_of_;     // by id; kNoId: none
  ElementId* id_of_;      // by node
  ElementId* parent_of_;  // by node; kNoId of new ones
  uint8_t* was_dead_;     // by node
  VectorTable codes_;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_LINK_BULK_GRAPH_H_
