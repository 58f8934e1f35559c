#include "hnswpg/storage/graph/neighbour_list.h"

#include <algorithm>

#include "hnswpg/core/format/link_slot.h"
#include "hnswpg/core/walk/select.h"
#include "hnswpg/storage/page/buffers.h"

namespace hnswpg {

CandidateSet::CandidateSet(const HnswIndex* index, int capacity)
    : index_(index),
      context_(CurrentMemoryContext),
      capacity_(capacity),
      stride_(MAXALIGN(index->space.code_bytes())) {
  items_ = static_cast<Item*>(palloc(capacity * sizeof(Item)));
  chosen_ = static_cast<int*>(palloc(capacity * sizeof(int)));
  codes_ = static_cast<char*>(
      MemoryContextAllocHuge(CurrentMemoryContext, static_cast<Size>(capacity) * stride_));
}

void CandidateSet::Add(ElementId id, const ElementView& base, bool keep) {
  Assert(n_ < capacity_);
  Item* item = &items_[n_];
  item->id = id;
  item->place = n_;
  item->has_vector = false;
  item->keep = keep;
  Read(id, item, CodeAt(n_));
  if (base.is_coded() && IsCoded(*index_, item->book)) {
    item->distance = index_->space.Distance(base.code(), CodeAt(n_));
  } else {
    item->distance = index_->space.ExactDistance(base.vector(), VectorOf(item));
  }
  n_++;
}

const void* CandidateSet::VectorOf(Item* item) {
  const size_t bytes = index_->space.vector_bytes();
  if (vectors_ == nullptr) {
    vectors_ = static_cast<char*>(MemoryContextAllocHuge(context_, capacity_ * bytes));
  }
  void* vector = vectors_ + item->place * bytes;
  if (!item->has_vector) ReadVector(*index_, item->id, vector);
  item->has_vector = true;
  return vector;
}

float CandidateSet::Between(Item* a, Item* b) {
  if (IsCoded(*index_, a->book) && IsCoded(*index_, b->book)) {
    return index_->space.Distance(CodeAt(a->place), CodeAt(b->place));
  }
  return index_->space.ExactDistance(VectorOf(a), VectorOf(b));
}

CodeQuality CandidateSet::QualityOf(const void* base_code) const {
  CodeQuality quality;
  for (int i = 0; i < n_ && quality.n() < CodeQuality::kMost; i++) {
    const Item& item = items_[i];
    const void* other = IsCoded(*index_, item.book) ? CodeAt(item.place) : base_code;
    quality.Add(item.distance, index_->space.ErrorVariance(base_code, other, item.distance));
  }
  return quality;
}

// Under a pin, without the page's lock.
void CandidateSet::Read(ElementId id, Item* item, char* code) const {
  if (index_->layout.payload_pieces() > 1) {
    ReadPieces(id, item, code);
    return;
  }
  CheckLiesInFile(*index_, id);
  BlockNumber block;
  uint32_t offset;
  index_->layout.Locate(id, &block, &offset);
  Buffer buffer = PinPage(*index_, block);
  const char* slot = BufferGetPage(buffer) + offset;
  item->parent = TailAt(slot, index_->layout)->parent;
  item->state = HeadAt(slot)->state;
  item->level = HeadAt(slot)->level;
  item->book = HeadAt(slot)->book;
  memcpy(code, slot + offsetof(ElementHead, code), index_->space.code_bytes());
  ReleaseBuffer(buffer);
}

void CandidateSet::ReadPieces(ElementId id, Item* item, char* code) const {
  SlotCopy copy;
  ReadSlot(*index_, id, &copy, code);
  item->parent = copy.tail.parent;
  item->state = copy.head.state;
  item->level = copy.head.level;
  item->book = copy.head.book;
}

bool CandidateSet::LastIsIn(int level, bool dead_too) const {
  const Item& last = items_[n_ - 1];
  return last.level >= level &&
         (last.state == SlotState::kLinked || (dead_too && last.state == SlotState::kDead));
}

bool CandidateSet::Contains(ElementId id) const {
  return std::any_of(items_, items_ + n_, [id](const Item& item) { return item.id == id; });
}

int CandidateSet::CountRequired(ElementId parent, ElementId also) const {
  return std::count_if(items_, items_ + n_,
                       [=, this](const Item& item) { return Required(item, parent, also); });
}

void CandidateSet::Sort() {
  std::sort(items_, items_ + n_, [](const Item& a, const Item& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.id < b.id;
  });
}

void CandidateSet::Select(int max, ElementId parent, ElementId also) {
  Sort();
  n_chosen_ = SelectNeighbours(
      n_, max, [this](int i) { return items_[i].distance; },
      [this](int i, int j) { return Between(&items_[i], &items_[j]); },
      [=, this](int i) { return Required(items_[i], parent, also); }, chosen_);
}

int CandidateSet::NearestDropped(int max, ElementId* out) const {
  int n = 0;
  int next = 0;  // of chosen_, which ascends
  for (int i = 0; i < n_ && n < max; i++) {
    if (next < n_chosen_ && chosen_[next] == i) {
      next++;
    } else {
      out[n++] = items_[i].id;
    }
  }
  return n;
}

void CheckUpperExists(const HnswIndex& index, ElementId owner, UpperId upper) {
  if (upper < index.meta.next_upper || upper < ReadMeta(index).next_upper) return;
  ReportDamage(index.rel, index.layout.SlotBlock(owner), owner,
               psprintf("refers to upper list %u, which does not exist", upper));
}

namespace {

// FindList, of an owner that was read.
bool FindListOf(const HnswIndex& index, ElementId owner, const SlotCopy& copy, int level,
                ListPlace* place) {
  *place = {owner, level, kNoId};
  if (!IsElement(copy.head.state) || level > copy.head.level) return false;
  if (level == 0) return true;
  UpperId upper = copy.tail.upper;
  for (int at = 1; upper != kNoId; at++) {
    CheckUpperExists(index, owner, upper);
    const BlockNumber block = index.layout.UpperBlock(upper);
    Buffer buffer = PinPageShared(index, block);
    const UpperHead head = *UpperAt(BufferGetPage(buffer), index.layout.UpperOffset(upper));
    UnlockReleaseBuffer(buffer);
    if (head.owner != owner || head.level != at) {
      ReportDamage(index.rel, block, owner, "an upper-level list belongs to another element");
    }
    if (at == level) {
      place->upper = upper;
      return true;
    }
    upper = head.next;
  }
  return false;
}

// ReadList, of an owner that was read.
int ReadListOf(const HnswIndex& index, const SlotCopy& copy, const ListPlace& place,
               ElementId* out) {
  if (place.level == 0) {
    std::copy(copy.links, copy.links + copy.tail.n_links, out);
    return copy.tail.n_links;
  }
  Buffer buffer = PinPageShared(index, index.layout.UpperBlock(place.upper));
  const UpperHead* head = UpperAt(BufferGetPage(buffer), index.layout.UpperOffset(place.upper));
  const int n = std::min<int>(head->n_links, index.layout.max_links(place.level));
  memcpy(out, UpperLinks(head), n * sizeof(ElementId));
  UnlockReleaseBuffer(buffer);
  return n;
}

}  // namespace

bool FindList(const HnswIndex& index, ElementId owner, int level, ListPlace* place) {
  SlotCopy copy;
  ReadSlot(index, owner, &copy, nullptr);
  return FindListOf(index, owner, copy, level, place);
}

int ReadList(const HnswIndex& index, const ListPlace& place, ElementId* out) {
  SlotCopy copy;
  if (place.level == 0) ReadSlot(index, place.owner, &copy, nullptr);
  return ReadListOf(index, copy, place, out);
}

void WriteList(const HnswIndex& index, WriteMode mode, const ListPlace& place,
               const ElementId* links, int n) {
  PageTxn txn(index, mode);
  if (place.level == 0) {
    txn.Want(index.layout.SlotBlock(place.owner));
    txn.Begin();
    LinkSlot(txn.slot(place.owner), index.layout).Set(links, n);
  } else {
    txn.Want(index.layout.UpperBlock(place.upper));
    txn.Begin();
    LinkSlot(txn.upper(place.upper), index.layout).Set(links, n);
  }
  txn.Commit();
}

ListEditor::ListEditor(const HnswIndex* index, WriteMode mode)
    : index_(index), mode_(mode), members_(index, index->layout.max_links(0) + 1), base_(index) {}

bool ListEditor::AddLink(ElementId owner, int level, ElementId id, bool required) {
  SlotCopy copy;
  base_.Read(owner, &copy);
  ListPlace place;
  if (!FindListOf(*index_, owner, copy, level, &place)) return false;
  ElementId links[kMaxLinks];
  int n = ReadListOf(*index_, copy, place, links);
  // Already there: an earlier attempt at the same link was cut short.
  if (std::find(links, links + n, id) != links + n) return true;
  if (n == index_->layout.max_links(level)) return AddToFull(place, links, n, id, required);
  links[n++] = id;
  WriteList(*index_, mode_, place, links, n);
  return true;
}

// Chooses among the list's members and `id`. base_ is the owner.
bool ListEditor::AddToFull(const ListPlace& place, ElementId* links, int n, ElementId id,
                           bool required) {
  members_.Clear();
  for (int i = 0; i < n; i++) PrefetchCode(*index_, links[i]);
  for (int i = 0; i < n; i++) members_.Add(links[i], base_);
  members_.Add(id, base_);
  const ElementId parent = place.level == 0 ? place.owner : kNoId;
  const ElementId also = required ? id : kNoId;
  if (members_.CountRequired(parent, also) > n) return false;
  members_.Select(n, parent, also);
  for (int i = 0; i < members_.n_chosen(); i++) links[i] = members_.chosen(i);
  const bool kept =
      std::find(links, links + members_.n_chosen(), id) != links + members_.n_chosen();
  if (kept) WriteList(*index_, mode_, place, links, members_.n_chosen());
  return kept;
}

}  // namespace hnswpg
