// An element that others are measured from: its code, and its vector for those distances
// that codes do not give.
//
// Two elements are measured by their codes if both codes are by the book in force and
// tell their elements from their neighbours; else by their vectors.
#ifndef HNSWPG_STORAGE_GRAPH_ELEMENT_VIEW_H_
#define HNSWPG_STORAGE_GRAPH_ELEMENT_VIEW_H_

#include "hnswpg/storage/graph/slot_reader.h"

namespace hnswpg {

class ElementView {
 public:
  // Memory from the current context.
  explicit ElementView(const HnswIndex* index);

  // Reads an element as ReadSlot does, which the graph lock keeps as it is. Its code is by
  // the book in force afterwards, whichever the stored one is by.
  void Read(ElementId id, SlotCopy* copy);

  ElementId id() const { return id_; }
  const char* code() const { return code_; }
  // The code is another one than the one that is stored.
  bool is_recoded() const { return is_recoded_; }
  // Distances from here are by codes, as far as the others allow.
  bool is_coded() const { return is_coded_; }
  void MeasureExactly() { is_coded_ = false; }
  void MeasureByCode() { is_coded_ = true; }
  // Reads it when it is asked for first. Takes and releases share locks.
  const void* vector() const;

 private:
  const HnswIndex* index_;
  char* code_;
  mutable void* vector_;
  ElementId id_ = kNoId;
  bool is_coded_ = false;
  bool is_recoded_ = false;
  mutable bool has_vector_ = false;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_GRAPH_ELEMENT_VIEW_H_
