#include "storage/graph/upper_lists.h"

#include "hnswpg/storage/graph/neighbour_list.h"

namespace hnswpg {
namespace {

// Takes an upper slot for a list on `level` and chains it behind `before`, or, if
// that is kNoId, to the element's slot.
UpperId AllocateUpper(const HnswIndex& index, WriteMode mode, ElementId id, int level,
                      UpperId before) {
  const ElementLayout& layout = index.layout;
  // Upper slots are handed out under the graph lock alone.
  const Meta meta = ReadMeta(index);
  const bool fresh = meta.free_uppers == kNoId;
  const UpperId upper = fresh ? meta.next_upper : meta.free_uppers;
  if (!fresh && upper >= meta.next_upper) {
    ReportDamage(index.rel, kMetaBlock, kNoId,
                 psprintf("the free list leads to upper list %u, which does not exist", upper));
  }
  EnsureBlock(index.rel, layout.UpperBlock(upper));
  PageTxn txn(index, mode);
  txn.Want(kMetaBlock);
  if (fresh && layout.UpperOffset(upper) == kPageHeaderBytes) {
    txn.WantNew(layout.UpperBlock(upper));
  } else {
    txn.Want(layout.UpperBlock(upper));
  }
  txn.Want(before == kNoId ? layout.SlotBlock(id) : layout.UpperBlock(before));
  txn.Begin();
  UpperHead* head = txn.upper(upper);
  if (!fresh && head->owner != kNoId) {
    ReportDamage(index.rel, layout.UpperBlock(upper), head->owner,
                 psprintf("upper list %u is on the free list, but belongs to this element", upper));
  }
  if (fresh) {
    txn.meta()->next_upper++;
    ExtendContent(txn.page(layout.UpperBlock(upper)),
                  layout.UpperOffset(upper) + layout.upper_bytes());
  } else {
    txn.meta()->free_uppers = head->next;
    txn.meta()->n_free_uppers--;
  }
  *head = UpperHead{id, kNoId, 0, static_cast<uint8_t>(level), 0};
  if (before == kNoId) {
    TailAt(txn.slot(id), layout)->upper = upper;
  } else {
    txn.upper(before)->next = upper;
  }
  txn.Commit();
  return upper;
}

}  // namespace

void AllocateUppers(const HnswIndex& index, WriteMode mode, ElementId id, int level) {
  UpperId before = kNoId;
  for (int at = 1; at <= level; at++) {
    ListPlace place;
    before =
        FindList(index, id, at, &place) ? place.upper : AllocateUpper(index, mode, id, at, before);
  }
}

}  // namespace hnswpg
