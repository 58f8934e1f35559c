// A page's lists are written in one record. While the new elements are pending, and
// after a crash before they are linked, they are what an attempt at linking that was
// cut short leaves (README.md, "Linking in memory").
#include "storage/link/bulk_writer.h"

#include <algorithm>

#include "hnswpg/core/format/link_slot.h"
#include "hnswpg/core/walk/walk.h"
#include "hnswpg/storage/graph/neighbour_list.h"
#include "storage/graph/upper_lists.h"

namespace hnswpg {
namespace {

class BulkWriter {
 public:
  BulkWriter(const HnswIndex& index, const BulkGraph& graph)
      : index_(index),
        graph_(graph),
        lists_(static_cast<List*>(palloc(index.layout.slots_per_page() * sizeof(List)))) {}

  // The lists of nodes [begin, end).
  bool Write(uint32_t begin, uint32_t end, GraphTurn* turn);

 private:
  struct List {
    ElementId owner;
    int n;
    ElementId links[kMaxLinks];
  };

  uint32_t WritePage(uint32_t node, uint32_t end);
  bool Changed(uint32_t node, List* list);
  void KeepChildren(const SlotCopy& old, List* list);
  void DropFarthest(List* list, int most);
  void WriteUppers(uint32_t node);

  const HnswIndex& index_;
  const BulkGraph& graph_;
  List* lists_;  // of a page
};

bool BulkWriter::Write(uint32_t begin, uint32_t end, GraphTurn* turn) {
  for (uint32_t node = begin; node < end;) {
    CHECK_FOR_INTERRUPTS();
    if (!turn->Yield()) return false;
    const uint32_t next = WritePage(node, end);
    for (; node < next; node++) WriteUppers(node);
  }
  return true;
}

// The level-0 lists of this node and of those that follow it on the same page.
// Returns the first node that does not.
uint32_t BulkWriter::WritePage(uint32_t node, uint32_t end) {
  const BlockNumber block = index_.layout.SlotBlock(graph_.Id(node));
  int n = 0;
  for (; node < end && index_.layout.SlotBlock(graph_.Id(node)) == block; node++) {
    if (!graph_.WasDead(node) && Changed(node, &lists_[n])) n++;
  }
  if (n == 0) return node;
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(block);
  txn.Begin();
  for (int i = 0; i < n; i++) {
    const List& list = lists_[i];
    LinkSlot(txn.slot(list.owner), index_.layout).Set(list.links, list.n);
  }
  txn.Commit();
  return node;
}

// What the list of the node is to be. False if it is that.
bool BulkWriter::Changed(uint32_t node, List* list) {
  list->owner = graph_.Id(node);
  list->n = graph_.Links(node, 0, list->links);
  SlotCopy old;
  ReadSlot(index_, list->owner, &old, nullptr);
  if (list->n == old.tail.n_links && std::equal(list->links, list->links + list->n, old.links)) {
    return false;
  }
  KeepChildren(old, list);
  return true;
}

// hnswlib does not know of the tree, and may have dropped links of it.
void BulkWriter::KeepChildren(const SlotCopy& old, List* list) {
  for (int i = 0; i < old.tail.n_links; i++) {
    const ElementId child = old.links[i];
    if (!graph_.IsChild(child, list->owner)) continue;
    if (std::find(list->links, list->links + list->n, child) != list->links + list->n) continue;
    DropFarthest(list, index_.layout.max_links(0) - 1);
    list->links[list->n++] = child;
  }
}

// Of the links to no child. There is one where the list is full, since all children
// were in a list of this length.
void BulkWriter::DropFarthest(List* list, int most) {
  if (list->n <= most) return;
  int farthest = -1;
  float distance = 0;
  for (int i = 0; i < list->n; i++) {
    if (graph_.IsChild(list->links[i], list->owner)) continue;
    const float d = graph_.Distance(list->owner, list->links[i]);
    if (farthest >= 0 && d < distance) continue;
    farthest = i;
    distance = d;
  }
  if (farthest < 0) {
    ReportDamage(index_.rel, index_.layout.SlotBlock(list->owner), list->owner,
                 "more children than neighbours");
  }
  list->links[farthest] = list->links[--list->n];
}

void BulkWriter::WriteUppers(uint32_t node) {
  const ElementId id = graph_.Id(node);
  const int top = graph_.Level(node);
  if (top == 0 || graph_.WasDead(node)) return;
  AllocateUppers(index_, WriteMode::kLogged, id, top);
  for (int level = 1; level <= top; level++) {
    ListPlace place;
    if (!FindList(index_, id, level, &place)) continue;
    ElementId links[kMaxLinks];
    ElementId old[kMaxLinks];
    const int n = graph_.Links(node, level, links);
    const int n_old = ReadList(index_, place, old);
    if (n == n_old && std::equal(links, links + n, old)) continue;
    WriteList(index_, WriteMode::kLogged, place, links, n);
  }
}

}  // namespace

bool WriteLists(const HnswIndex& index, const BulkGraph& graph, GraphTurn* turn) {
  BulkWriter writer(index, graph);
  return writer.Write(graph.n_loaded(), graph.n_nodes(), turn) &&
         writer.Write(0, graph.n_loaded(), turn);
}

}  // namespace hnswpg
