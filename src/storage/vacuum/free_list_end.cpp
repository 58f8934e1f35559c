// The list is read without a lock first, while others take slots off it and put slots
// onto it. That does no harm, for the list is a stack: as long as a slot is on it, what
// is below that slot stays as it is. A slot's version tells whether it is on the list
// since it was read: it changes each time that the slot comes onto the list. So before a
// record is written, a few slots are read from the head downwards, until one is met that
// is known with this very version. From there on everything known is true.
//
// (An upper slot has no version. Upper slots come onto their list in cleanup alone, which
// the maintenance lock keeps out.)
//
// Locks of a record: the graph lock, under which nothing comes onto a list; and the
// metapage's content lock, exclusive, under which nothing leaves it.
#include "storage/vacuum/free_list_end.h"

#include <algorithm>

#include "hnswpg/postgres/compat.h"
#include "hnswpg/storage/graph/slot_reader.h"
#include "hnswpg/storage/page/locks.h"

extern "C" {
#include "miscadmin.h"
}

namespace hnswpg {

const FreeListKind kFreeElements = {
    [](const HnswIndex& index, uint32_t id) -> FreeSlot {
      SlotCopy copy;
      ReadSlot(index, id, &copy, nullptr);
      return {copy.head.state == SlotState::kFree, copy.tail.next, copy.tail.version};
    },
    [](const HnswIndex& index, uint32_t id) -> BlockNumber { return index.layout.SlotBlock(id); },
    [](const HnswIndex& index, PageTxn* txn, uint32_t id, uint32_t next) {
      TailAt(txn->slot(id), index.layout)->next = next;
    },
    &Meta::free_elements,
    &Meta::n_free,
    &Meta::next_element};

const FreeListKind kFreeUppers = {
    [](const HnswIndex& index, uint32_t id) -> FreeSlot {
      const BlockNumber block = index.layout.UpperBlock(id);
      Buffer buffer = ReadBuffer(index.rel, block);
      LockBuffer(buffer, BUFFER_LOCK_SHARE);
      CheckPage(index.rel, BufferGetPage(buffer), block, PageKind::kUpper);
      const UpperHead head = *UpperAt(BufferGetPage(buffer), index.layout.UpperOffset(id));
      UnlockReleaseBuffer(buffer);
      return {head.owner == kNoId, head.next, 0};
    },
    [](const HnswIndex& index, uint32_t id) -> BlockNumber { return index.layout.UpperBlock(id); },
    [](const HnswIndex&, PageTxn* txn, uint32_t id, uint32_t next) { txn->upper(id)->next = next; },
    &Meta::free_uppers,
    &Meta::n_free_uppers,
    &Meta::next_upper};

namespace {

constexpr uint32_t kNone = 0xFFFFFFFF;
// Of slots that need not be known one in so many is, so that from the head of the list
// it is not far to one.
constexpr uint32_t kStride = 64;
// So many slots that are not known are passed from the head downwards. They are read
// under the metapage's lock.
constexpr int kMostUnknown = 10 * kStride;
// So many slots leave the list in a record, at most: the metapage is locked meanwhile.
constexpr int kMostTaken = 2000;
// Pages of a record besides the metapage.
constexpr int kMostChanged = PageTxn::kMaxPages - 1;

class ListShortener {
 public:
  ListShortener(const HnswIndex& index, const FreeListKind& kind, uint32_t until)
      : index_(index),
        kind_(kind),
        until_(until),
        items_(ContextArena(CurrentMemoryContext)),
        by_id_(ContextArena(CurrentMemoryContext)) {}

  bool Read();
  bool Step();

 private:
  // A slot on the list that is known. Item 0 is not: it stands for what leads to the
  // first slot that is (id: kNoId for the metapage).
  struct Item {
    uint32_t id;
    uint32_t next;  // an id
    uint32_t version;
    uint32_t before;  // positions in items_, kNone if not known
    uint32_t after;
  };
  // Positions whose successor has changed. One record holds them, wherever they lie.
  struct Changed {
    uint32_t positions[kMostChanged + 2];  // the metapage too, and one too many
    int n;
  };

  bool IsToGo(uint32_t id) const { return id != kNoId && id >= from_; }
  bool KeepItem(uint32_t id, const FreeSlot& slot, uint32_t n, bool adjacent);
  void SortById();
  uint32_t Find(uint32_t id) const;
  bool FindFirst(uint32_t head);
  int CountPages(const Changed& changed) const;
  bool Take(uint32_t id, Changed* changed);
  void WriteRecord(Buffer meta_buffer, const Changed& changed, uint32_t end);

  const HnswIndex& index_;
  const FreeListKind& kind_;
  uint32_t until_;
  uint32_t from_ = 0;          // ids from here on are taken off
  PodVector<Item> items_;      // in the order of the list
  PodVector<uint32_t> by_id_;  // their positions; what is taken leaves it at the end
  uint32_t first_ = 1;         // position of the first item that is still on the list
};

// Keeps what is to go, what is right before that in the list, and one in kStride.
bool ListShortener::KeepItem(uint32_t id, const FreeSlot& slot, uint32_t n, bool adjacent) {
  if (!IsToGo(id) && !IsToGo(slot.next) && n % kStride != 0) return false;
  const uint32_t position = items_.size();
  if (adjacent) items_.back().after = position;
  items_.Push({id, slot.next, slot.version, adjacent ? position - 1 : kNone, kNone});
  return true;
}

// No lock. False if the list was changed too much meanwhile, or is damaged (which
// hnsw_check tells better).
bool ListShortener::Read() {
  const Meta meta = ReadMeta(index_);
  const uint32_t end = meta.*kind_.end;
  // Two items and two positions for a slot that is to go, at worst.
  const uint64_t room = maintenance_work_mem * uint64_t{1024} / (2 * (sizeof(Item) + 4));
  from_ = std::max<int64_t>(until_, static_cast<int64_t>(end) - static_cast<int64_t>(room));
  const BlockNumber blocks = RelationGetNumberOfBlocks(index_.rel);
  items_.Push({kNoId, meta.*kind_.head, 0, kNone, kNone});
  bool adjacent = true;
  uint32_t n = 0;
  for (uint32_t id = meta.*kind_.head; id != kNoId; n++) {
    compat::VacuumDelayPoint();
    if (n > end || id >= kMaxElements || kind_.block(index_, id) >= blocks) return false;
    const FreeSlot slot = kind_.read(index_, id);
    if (!slot.is_free) return false;
    adjacent = KeepItem(id, slot, n, adjacent);
    id = slot.next;
  }
  SortById();
  return true;
}

void ListShortener::SortById() {
  for (uint32_t i = 1; i < items_.size(); i++) by_id_.Push(i);
  std::sort(by_id_.begin(), by_id_.end(),
            [this](uint32_t a, uint32_t b) { return items_[a].id < items_[b].id; });
}

uint32_t ListShortener::Find(uint32_t id) const {
  const uint32_t* found =
      std::lower_bound(by_id_.begin(), by_id_.end(), id,
                       [this](uint32_t at, uint32_t wanted) { return items_[at].id < wanted; });
  return found != by_id_.end() && items_[*found].id == id ? *found : kNone;
}

// Where what is known begins now. False if that is too far from the list's head.
bool ListShortener::FindFirst(uint32_t head) {
  uint32_t above = kNoId;
  for (int passed = 0; head != kNoId && passed < kMostUnknown; passed++) {
    const FreeSlot slot = kind_.read(index_, head);
    if (!slot.is_free) return false;
    const uint32_t at = Find(head);
    if (at != kNone && at >= first_ && items_[at].version == slot.version) {
      first_ = at;
      items_[at].before = 0;
      items_[0] = {above, head, 0, kNone, at};
      return true;
    }
    above = head;
    head = slot.next;
  }
  return false;
}

int ListShortener::CountPages(const Changed& changed) const {
  int n = 0;
  for (int i = 0; i < changed.n; i++) n += items_[changed.positions[i]].id != kNoId;
  return n;
}

// Takes the highest id, which has to be this one, off the list in memory. False, and
// nothing done, if it is not, or the change would be too large for one record then.
bool ListShortener::Take(uint32_t id, Changed* changed) {
  if (by_id_.empty() || items_[by_id_.back()].id != id) return false;
  const uint32_t taken = by_id_.back();
  if (taken < first_) return false;  // somebody has it
  const Item item = items_[taken];
  Changed now = {{}, 0};
  for (int i = 0; i < changed->n; i++) {
    const uint32_t position = changed->positions[i];
    if (position != taken && position != item.before) now.positions[now.n++] = position;
  }
  now.positions[now.n++] = item.before;
  if (CountPages(now) > kMostChanged) return false;
  *changed = now;
  by_id_.Pop();
  items_[item.before].next = item.next;
  items_[item.before].after = item.after;
  if (item.after != kNone) items_[item.after].before = item.before;
  if (taken == first_) first_ = item.after == kNone ? items_.size() : item.after;
  return true;
}

void ListShortener::WriteRecord(Buffer meta_buffer, const Changed& changed, uint32_t end) {
  PageTxn txn(index_, WriteMode::kLogged);
  txn.WantLocked(meta_buffer);
  for (int i = 0; i < changed.n; i++) {
    const Item& item = items_[changed.positions[i]];
    if (item.id != kNoId) txn.Want(kind_.block(index_, item.id));
  }
  txn.Begin();
  Meta* meta = txn.meta();
  for (int i = 0; i < changed.n; i++) {
    const Item& item = items_[changed.positions[i]];
    if (item.id == kNoId) {
      meta->*kind_.head = item.next;
    } else {
      kind_.set_next(index_, &txn, item.id, item.next);
    }
  }
  meta->*kind_.count -= meta->*kind_.end - end;
  meta->*kind_.end = end;
  txn.Commit();
}

// One record. False if there is nothing more that can be done. Graph lock held.
bool ListShortener::Step() {
  Buffer meta_buffer = ReadBuffer(index_.rel, kMetaBlock);
  LockBuffer(meta_buffer, BUFFER_LOCK_EXCLUSIVE);
  const Meta meta = *MetaOf(BufferGetPage(meta_buffer));
  const uint32_t end = meta.*kind_.end;
  uint32_t at = end;
  if (end > from_ && FindFirst(meta.*kind_.head)) {
    Changed changed = {{}, 0};
    while (at > from_ && end - at < kMostTaken && Take(at - 1, &changed)) at--;
    if (at < end) WriteRecord(meta_buffer, changed, at);
  }
  UnlockReleaseBuffer(meta_buffer);
  return at < end;
}

}  // namespace

void ShortenFreeList(const HnswIndex& index, const FreeListKind& kind, uint32_t until) {
  ListShortener shortener(index, kind, until);
  if (!shortener.Read()) return;
  LockGraph(index.rel);
  GraphTurn turn(index.rel, false, GraphTurn::kShort);
  while (shortener.Step()) {
    CHECK_FOR_INTERRUPTS();
    turn.Yield();
  }
  UnlockGraph(index.rel);
}

}  // namespace hnswpg
