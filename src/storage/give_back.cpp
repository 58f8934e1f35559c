// Giving the end of the file back to the file system, as VACUUM does with a table.
//
// Locks: AccessExclusiveLock on the index, if nobody has or awaits a lock on it, so
// there are no scans, inserters and checks; and the graph lock, for what asks for it.
//
// The slots behind the last one in use are free, and on the free list. They leave it
// from the last one downwards: each record takes as many as it can and says that the
// file ends that much earlier (next_element, next_upper), so the index is whole after
// each record. A crash, or somebody who wants the index, ends it at any of them: then
// the file is longer than needed and has old bytes behind the last slot, on pages of
// the kind that belongs there. Nothing reads those; a slot that is handed out as never
// used is written whole. The next vacuum cuts the file.
#include <algorithm>

#include "hnswpg/storage/locks.h"
#include "hnswpg/storage/page_txn.h"
#include "hnswpg/storage/slot_reader.h"
#include "hnswpg/storage/vacuum.h"

extern "C" {
#include "catalog/storage.h"
}

namespace hnswpg {
namespace {

// What the table's vacuum asks for as well: not the lock for a few pages.
constexpr BlockNumber kEnoughPages = 1000;
constexpr BlockNumber kEnoughFraction = 16;

// Where the slots in use end.
struct Ends {
  uint32_t elements;
  uint32_t uppers;
};

SlotState StateOf(const Index& index, ElementId id) {
  SlotCopy copy;
  ReadSlot(index, id, &copy, nullptr);
  return copy.head.state;
}

UpperHead ReadUpperHead(const Index& index, UpperId id) {
  Buffer buffer = ReadBuffer(index.rel, index.layout.UpperBlock(id));
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  CheckPage(index.rel, BufferGetPage(buffer), index.layout.UpperBlock(id), PageKind::kUpper);
  const UpperHead head = *UpperAt(BufferGetPage(buffer), index.layout.UpperOffset(id));
  UnlockReleaseBuffer(buffer);
  return head;
}

Ends FindEnds(const Index& index, const Meta& meta) {
  Ends ends = {meta.next_element, meta.next_upper};
  while (ends.elements > 0 && StateOf(index, ends.elements - 1) == SlotState::kFree) {
    CHECK_FOR_INTERRUPTS();
    ends.elements--;
  }
  while (ends.uppers > 0 && ReadUpperHead(index, ends.uppers - 1).owner == kNoId) {
    CHECK_FOR_INTERRUPTS();
    ends.uppers--;
  }
  return ends;
}

BlockNumber BlocksUntil(const Index& index, const Ends& ends) {
  return index.layout.BlocksFor(ends.elements, ends.uppers);
}

bool IsWorthIt(const Index& index, const Ends& ends) {
  const BlockNumber blocks = RelationGetNumberOfBlocks(index.rel);
  const BlockNumber needed = BlocksUntil(index, ends);
  if (needed >= blocks) return false;
  const BlockNumber saved = blocks - needed;
  return saved >= kEnoughPages || saved >= blocks / kEnoughFraction;
}

// ---- a free list that loses its highest ids ----

// One of the two free lists: how to follow it and how to change it.
struct ListKind {
  const char* name;
  uint32_t (*next)(const Index& index, uint32_t id);
  BlockNumber (*block)(const Index& index, uint32_t id);
  void (*set_next)(const Index& index, PageTxn* txn, uint32_t id, uint32_t next);
  uint32_t Meta::*head;
  uint32_t Meta::*count;
  uint32_t Meta::*end;
};

constexpr ListKind kElements = {
    "the free list",
    [](const Index& index, uint32_t id) {
      SlotCopy copy;
      ReadSlot(index, id, &copy, nullptr);
      if (copy.head.state != SlotState::kFree) {
        ReportDamage(index.rel, index.layout.SlotBlock(id), id, "on the free list, but in use");
      }
      return copy.tail.next;
    },
    [](const Index& index, uint32_t id) -> BlockNumber { return index.layout.SlotBlock(id); },
    [](const Index& index, PageTxn* txn, uint32_t id, uint32_t next) {
      TailAt(txn->slot(id), index.layout)->next = next;
    },
    &Meta::free_elements,
    &Meta::n_free,
    &Meta::next_element};

constexpr ListKind kUppers = {
    "the free list of upper lists",
    [](const Index& index, uint32_t id) {
      const UpperHead head = ReadUpperHead(index, id);
      if (head.owner != kNoId) {
        ReportDamage(index.rel, index.layout.UpperBlock(id), head.owner,
                     "its upper list is on the free list");
      }
      return head.next;
    },
    [](const Index& index, uint32_t id) -> BlockNumber { return index.layout.UpperBlock(id); },
    [](const Index&, PageTxn* txn, uint32_t id, uint32_t next) { txn->upper(id)->next = next; },
    &Meta::free_uppers,
    &Meta::n_free_uppers,
    &Meta::next_upper};

class ListShortener {
 public:
  ListShortener(const Index& index, const ListKind& kind)
      : index_(index),
        kind_(kind),
        items_(ContextArena(CurrentMemoryContext)),
        by_id_(ContextArena(CurrentMemoryContext)) {}

  // Takes the ids from `end` on, all of which are free, off the list. False if
  // somebody wants the index before that is done.
  bool Run(uint32_t end);

 private:
  static constexpr uint32_t kNone = 0xFFFFFFFF;
  // Besides the metapage.
  static constexpr int kMaxChanged = PageTxn::kMaxPages - 1;
  struct Item {
    uint32_t id;
    uint32_t before;  // positions in items_
    uint32_t after;
  };
  // Positions whose successor has changed. One record holds them, wherever they lie.
  struct Changed {
    uint32_t positions[kMaxChanged];
    int n;
  };
  void Read();
  bool Take(Changed* changed);
  void WriteRecord(const Changed& changed, uint32_t end);

  const Index& index_;
  const ListKind& kind_;
  PodVector<Item> items_;      // in the order of the list
  PodVector<uint32_t> by_id_;  // positions of what is left, ascending ids
  uint32_t first_ = kNone;     // position of the head
};

bool ListShortener::Run(uint32_t end) {
  Read();
  for (uint32_t at = ReadMeta(index_).*kind_.end; at > end;) {
    CHECK_FOR_INTERRUPTS();
    if (LockHasWaitersRelation(index_.rel, AccessExclusiveLock)) return false;
    Changed changed = {{}, 0};
    const uint32_t before = at;
    while (at > end && Take(&changed)) at--;
    if (at == before) {
      ReportDamage(index_.rel, kind_.block(index_, at - 1), kNoId,
                   psprintf("slot %u is free, but not on %s", at - 1, kind_.name));
    }
    WriteRecord(changed, at);
  }
  return true;
}

void ListShortener::Read() {
  const Meta meta = ReadMeta(index_);
  for (uint32_t id = meta.*kind_.head; id != kNoId; id = kind_.next(index_, id)) {
    CHECK_FOR_INTERRUPTS();
    if (id >= meta.*kind_.end || items_.size() >= meta.*kind_.count) {
      ReportDamage(index_.rel, kMetaBlock, kNoId,
                   psprintf("%s leads to slot %u, which cannot be", kind_.name, id));
    }
    const uint32_t position = items_.size();
    items_.Push({id, position == 0 ? kNone : position - 1, position + 1});
    by_id_.Push(position);
  }
  if (items_.empty()) return;
  first_ = 0;
  items_.back().after = kNone;
  std::sort(by_id_.begin(), by_id_.end(),
            [this](uint32_t a, uint32_t b) { return items_[a].id < items_[b].id; });
}

// Takes the highest id off the list in memory. False, and nothing done, if the
// change would be too large for one record then.
bool ListShortener::Take(Changed* changed) {
  if (by_id_.empty()) return false;
  const uint32_t taken = by_id_.back();
  const Item item = items_[taken];
  Changed now = {{}, 0};
  for (int i = 0; i < changed->n; i++) {
    const uint32_t position = changed->positions[i];
    if (position != taken && position != item.before) now.positions[now.n++] = position;
  }
  if (item.before != kNone) {
    if (now.n == kMaxChanged) return false;
    now.positions[now.n++] = item.before;
  }
  *changed = now;
  by_id_.Pop();
  if (item.before == kNone) {
    first_ = item.after;
  } else {
    items_[item.before].after = item.after;
  }
  if (item.after != kNone) items_[item.after].before = item.before;
  return true;
}

void ListShortener::WriteRecord(const Changed& changed, uint32_t end) {
  const auto id_at = [this](uint32_t position) {
    return position == kNone ? kNoId : items_[position].id;
  };
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  for (int i = 0; i < changed.n; i++) {
    txn.Want(kind_.block(index_, items_[changed.positions[i]].id));
  }
  txn.Begin();
  for (int i = 0; i < changed.n; i++) {
    const Item& item = items_[changed.positions[i]];
    kind_.set_next(index_, &txn, item.id, id_at(item.after));
  }
  Meta* meta = txn.meta();
  meta->*kind_.head = id_at(first_);
  meta->*kind_.count = by_id_.size();
  meta->*kind_.end = end;
  txn.Commit();
}

void Shorten(const Index& index) {
  const Ends ends = FindEnds(index, ReadMeta(index));
  if (!IsWorthIt(index, ends)) return;
  if (!ListShortener(index, kElements).Run(ends.elements)) return;
  if (!ListShortener(index, kUppers).Run(ends.uppers)) return;
  RelationTruncate(index.rel, BlocksUntil(index, ends));
}

}  // namespace

void GiveBackTail(const Index& index) {
  const Meta meta = ReadMeta(index);
  // A look without a lock, which may be out of date either way.
  if (!IsWorthIt(index, FindEnds(index, meta))) return;
  if (!ConditionalLockRelation(index.rel, AccessExclusiveLock)) return;
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg truncation", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  LockGraph(index.rel);
  Shorten(index);
  UnlockGraph(index.rel);
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
  // Whoever gets the lock next learns of the new end before it reads.
  UnlockRelation(index.rel, AccessExclusiveLock);
}

}  // namespace hnswpg
