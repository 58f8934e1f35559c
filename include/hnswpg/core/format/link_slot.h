// A neighbour list where it lies: in an element's slot or on an upper page. Whoever changes
// the bytes of a list does it by this, so a node can come to hold more than the ids (codes of
// the neighbours) without that everybody has to know.
//
// The caller sees to it that the page may be written.
#ifndef HNSWPG_CORE_FORMAT_LINK_SLOT_H_
#define HNSWPG_CORE_FORMAT_LINK_SLOT_H_

#include <algorithm>

#include "hnswpg/core/format/element.h"

namespace hnswpg {

class LinkSlot {
 public:
  // The list of level 0, in the slot of an element.
  LinkSlot(char* slot, const ElementLayout& layout)
      : n_(&TailAt(slot, layout)->n_links),
        ids_(LinksAt(slot, layout)),
        capacity_(layout.max_links(0)) {}
  // The list of an upper level.
  LinkSlot(UpperHead* head, const ElementLayout& layout)
      : n_(&head->n_links), ids_(UpperLinks(head)), capacity_(layout.max_links(1)) {}

  bool is_full() const { return *n_ >= capacity_; }
  bool Has(ElementId id) const { return std::find(ids_, end(), id) != end(); }

  // n <= what fits.
  void Set(const ElementId* ids, int n) {
    std::copy(ids, ids + n, ids_);
    *n_ = static_cast<uint16_t>(n);
  }
  void Clear() { *n_ = 0; }
  // Not where it is full.
  void Append(ElementId id) { ids_[(*n_)++] = id; }
  void DropLast() { (*n_)--; }
  // Puts `to` in the place of `from`, which the list has; not where `to` is there already.
  void Replace(ElementId from, ElementId to) {
    if (!Has(to)) *std::find(ids_, end(), from) = to;
  }

 private:
  ElementId* end() const { return ids_ + *n_; }

  uint16_t* n_;
  ElementId* ids_;
  int capacity_;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_FORMAT_LINK_SLOT_H_
