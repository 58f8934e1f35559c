// Changing one neighbour list: the step that linking and mending are made of.
//
// Every function here needs the graph lock, so nothing else changes lists, and
// what was read before a page is locked for writing still holds. Everything is read
// from pinned pages: for who holds the graph lock that is as good as under the page's
// lock, since others write nothing to a page but slots that are not in the graph, and
// flags of heap TIDs, and leave all other bytes as they are (src/storage/page/README.md,
// "What the writer of the graph reads").
#ifndef HNSWPG_STORAGE_GRAPH_NEIGHBOUR_LIST_H_
#define HNSWPG_STORAGE_GRAPH_NEIGHBOUR_LIST_H_

#include "hnswpg/core/space/code_quality.h"
#include "hnswpg/storage/graph/element_view.h"
#include "hnswpg/storage/graph/slot_reader.h"
#include "hnswpg/storage/page/buffers.h"
#include "hnswpg/storage/page/page_txn.h"

namespace hnswpg {

// Elements and their codes, to choose neighbours among. Memory is allocated once
// in the current memory context and reused.
class CandidateSet {
 public:
  CandidateSet(const HnswIndex* index, int capacity);

  void Clear() { n_ = 0; }
  // Reads the element's code and computes its distance to `base`. `keep`: Select must
  // choose it, if there is room.
  void Add(ElementId id, const ElementView& base, bool keep = false);
  void DropLast() { n_--; }
  // Whether the candidate added last is in the graph, on this level; dead ones too or
  // not. Of what a walk found, it need not be: walks read without locks.
  bool LastIsIn(int level, bool dead_too) const;
  // Nearest to the base first.
  void Sort();
  // Sorts, and chooses at most `max` (hnswpg/core/walk/select.h).
  // `parent`: candidates whose parent it is must stay; `also` must stay too;
  // kNoId for none.
  void Select(int max, ElementId parent, ElementId also);
  // How many candidates Select would have to keep.
  int CountRequired(ElementId parent, ElementId also) const;

  int size() const { return n_; }
  int capacity() const { return capacity_; }
  bool Contains(ElementId id) const;
  ElementId id(int i) const { return items_[i].id; }
  SlotState state(int i) const { return items_[i].state; }
  float distance(int i) const { return items_[i].distance; }
  const void* code(int i) const { return CodeAt(items_[i].place); }
  // Whether that code is by the book in force.
  bool HasCurrentCode(int i) const {
    return (items_[i].book & kMaxBook) == index_->parameters.book;
  }
  // How well a code of the base tells the nearest candidates apart, after Sort or Select.
  // An element that is measured exactly counts as if it had such a code, too.
  CodeQuality QualityOf(const void* base_code) const;
  // The outcome of Select, nearest first.
  int n_chosen() const { return n_chosen_; }
  ElementId chosen(int i) const { return items_[chosen_[i]].id; }
  // Writes the nearest of those that Select has not chosen, `max` at most; returns their
  // number.
  int NearestDropped(int max, ElementId* out) const;

 private:
  struct Item {
    ElementId id;
    ElementId parent;
    float distance;
    int place;  // in codes_ and vectors_
    uint16_t book;
    bool has_vector;
    SlotState state;
    uint8_t level;
    bool keep;
  };
  void Read(ElementId id, Item* item, char* code) const;
  void ReadPieces(ElementId id, Item* item, char* code) const;
  bool Required(const Item& item, ElementId parent, ElementId also) const {
    return item.keep || item.id == also || (parent != kNoId && item.parent == parent);
  }

  char* CodeAt(int place) const { return codes_ + place * stride_; }
  const void* VectorOf(Item* item);
  float Between(Item* a, Item* b);

  const HnswIndex* index_;
  MemoryContext context_;
  int capacity_;
  size_t stride_;
  int n_ = 0;
  int n_chosen_ = 0;
  Item* items_;
  int* chosen_;
  char* codes_;
  char* vectors_ = nullptr;  // once one was needed
};

// A neighbour list and its place.
struct ListPlace {
  ElementId owner;
  int level;
  UpperId upper;  // kNoId at level 0
};

// Raises ERRCODE_INDEX_CORRUPTED unless the upper slot exists: to be asked before one that
// `owner` refers to is read. No lock at entry and exit.
void CheckUpperExists(const HnswIndex& index, ElementId owner, UpperId upper);

// Finds the list of `owner` on `level`. False if it has none.
bool FindList(const HnswIndex& index, ElementId owner, int level, ListPlace* place);

// Copies the list to `out` (kMaxLinks), returns its length.
int ReadList(const HnswIndex& index, const ListPlace& place, ElementId* out);

// Replaces the list, in a record of its own.
void WriteList(const HnswIndex& index, WriteMode mode, const ListPlace& place,
               const ElementId* links, int n);

class ListEditor {
 public:
  // Scratch memory comes from the current memory context.
  ListEditor(const HnswIndex* index, WriteMode mode);

  // Adds a link from `owner` to `id` on `level`, pruning the list by the
  // heuristic where it is full. `required`: the link must stay (owner is to be
  // the parent of id); then false means that the list is full of such links.
  // Otherwise false means that the heuristic preferred others.
  bool AddLink(ElementId owner, int level, ElementId id, bool required);

 private:
  bool AddToFull(const ListPlace& place, ElementId* links, int n, ElementId id, bool required);

  const HnswIndex* index_;
  WriteMode mode_;
  CandidateSet members_;
  ElementView base_;  // the owner
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_GRAPH_NEIGHBOUR_LIST_H_
