#include "hnswpg/storage/graph/element_view.h"

namespace hnswpg {

ElementView::ElementView(const HnswIndex* index)
    : index_(index),
      code_(static_cast<char*>(palloc(index->space.code_bytes()))),
      vector_(palloc(index->space.vector_bytes())) {}

void ElementView::Read(ElementId id, SlotCopy* copy) {
  id_ = id;
  has_vector_ = false;
  ReadSlot(*index_, id, copy, code_);
  const uint16_t book = copy->head.book;
  is_coded_ = IsCoded(*index_, book);
  is_recoded_ = (book & kMaxBook) != index_->parameters.book;
  if (!is_recoded_ || !IsElement(copy->head.state)) return;
  index_->space.Encode(vector(), code_);
  // Nothing was wrong with the old code, or it is not known.
  is_coded_ = (book & kMeasureExactly) == 0;
}

const void* ElementView::vector() const {
  if (!has_vector_) ReadVector(*index_, id_, vector_);
  has_vector_ = true;
  return vector_;
}

}  // namespace hnswpg
