#include "hnswpg/storage/loader.h"

extern "C" {
#include "common/hashfn.h"
}

#include <algorithm>

#include "hnswpg/core/walk.h"
#include "hnswpg/storage/element_writer.h"
#include "hnswpg/storage/page_txn.h"
#include "hnswpg/storage/slot_reader.h"

namespace hnswpg {

// ---- EqualVectors: open addressing, at most half full ----

EqualVectors::EqualVectors(const Index* index)
    : index_(index),
      arena_(ContextArena(CurrentMemoryContext)),
      scratch_(static_cast<float*>(palloc(index->meta.dim * sizeof(float)))) {}

ElementId EqualVectors::Find(const float* vector) {
  const size_t bytes = index_->meta.dim * sizeof(float);
  hash_ = hash_bytes_extended(reinterpret_cast<const unsigned char*>(vector), bytes, 0);
  if (capacity_ == 0) return kNoId;
  const uint32_t fingerprint = static_cast<uint32_t>(hash_ >> 32);
  for (uint64_t at = hash_;; at++) {
    const Entry* entry = Probe(at);
    if (entry->id == kNoId) return kNoId;
    if (entry->fingerprint != fingerprint) continue;
    ReadVector(*index_, entry->id, scratch_);
    if (memcmp(scratch_, vector, bytes) == 0) return entry->id;
  }
}

void EqualVectors::Remember(ElementId id) {
  if (2 * size_ >= capacity_) Grow();
  uint64_t at = hash_;
  while (Probe(at)->id != kNoId) at++;
  *Probe(at) = Entry{static_cast<uint32_t>(hash_ >> 32), id};
  size_++;
}

// An entry keeps 32 bits of its hash only, so growing computes the hashes anew
// from the vectors; it happens a few times a build.
void EqualVectors::Grow() {
  Entry* old = entries_;
  const size_t old_capacity = capacity_;
  const uint64_t hash = hash_;
  capacity_ = std::max<size_t>(1024, 2 * capacity_);
  entries_ = static_cast<Entry*>(arena_.resize(arena_.context, nullptr, capacity_ * sizeof(Entry)));
  std::fill(entries_, entries_ + capacity_, Entry{0, kNoId});
  for (size_t i = 0; i < old_capacity; i++) {
    if (old[i].id == kNoId) continue;
    ReadVector(*index_, old[i].id, scratch_);
    uint64_t at = hash_bytes_extended(reinterpret_cast<unsigned char*>(scratch_),
                                      index_->meta.dim * sizeof(float), 0);
    while (Probe(at)->id != kNoId) at++;
    *Probe(at) = old[i];
  }
  if (old) arena_.resize(arena_.context, old, 0);
  hash_ = hash;
}

// ---- Loader ----

Loader::Loader(const Index* index)
    : index_(index), extra_tids_(ContextArena(CurrentMemoryContext)) {}

void Loader::AddElement(ElementId id, const void* code, const float* vector, ItemPointer tid) {
  WriteUnlinked(*index_, id, code, vector, tid);
  next_element_ = id + 1;
  n_tids_++;
}

void Loader::AddTid(ElementId id, ItemPointer tid) {
  PageTxn txn(*index_, WriteMode::kBuilding);
  txn.Want(index_->layout.SlotBlock(id));
  txn.Begin();
  ElementTail* tail = TailAt(txn.slot(id), index_->layout);
  const bool fits = tail->n_tids < kInlineTids;
  if (fits) tail->tids[tail->n_tids++] = EntryOf(tid);
  txn.Commit();
  if (!fits) extra_tids_.Push(ExtraTid{id, EntryOf(tid)});
  n_tids_++;
}

void Loader::Finish(const GraphBuilder& graph) {
  for (ElementId id = 0; id < graph.size(); id++) {
    CHECK_FOR_INTERRUPTS();
    WriteLinks(graph, id);
    WriteUppers(graph, id);
  }
  WriteContainers();
  WriteMeta(graph);
}

void Loader::WriteLinks(const GraphBuilder& graph, ElementId id) {
  ElementId links[kMaxLinks];
  const int n = graph.Links(id, 0, links);
  PageTxn txn(*index_, WriteMode::kBuilding);
  txn.Want(index_->layout.SlotBlock(id));
  txn.Begin();
  char* slot = txn.slot(id);
  ElementHead* head = HeadAt(slot);
  ElementTail* tail = TailAt(slot, index_->layout);
  head->state = SlotState::kLinked;
  head->level = graph.Level(id);
  tail->parent = graph.Parent(id);
  tail->upper = head->level > 0 ? next_upper_ : kNoId;
  tail->n_links = n;
  memcpy(LinksAt(slot, index_->layout), links, n * sizeof(ElementId));
  txn.Commit();
}

// The upper lists of an element are consecutive, level 1 first.
void Loader::WriteUppers(const GraphBuilder& graph, ElementId id) {
  const ElementLayout& layout = index_->layout;
  const int top = graph.Level(id);
  for (int level = 1; level <= top; level++) {
    const UpperId upper = next_upper_++;
    EnsureBlock(index_->rel, layout.UpperBlock(upper));
    PageTxn txn(*index_, WriteMode::kBuilding);
    txn.Want(layout.UpperBlock(upper));
    txn.Begin();
    ElementId links[kMaxLinks];
    const int n = graph.Links(id, level, links);
    UpperHead* head = txn.upper(upper);
    *head = UpperHead{id, level < top ? upper + 1 : kNoId, static_cast<uint16_t>(n),
                      static_cast<uint8_t>(level), 0};
    memcpy(UpperLinks(head), links, n * sizeof(ElementId));
    ExtendContent(txn.page(layout.UpperBlock(upper)),
                  layout.UpperOffset(upper) + layout.upper_bytes());
    txn.Commit();
  }
}

// Puts the heap TIDs that did not fit into their elements' slots into TID
// containers behind the elements.
void Loader::WriteContainers() {
  const ElementLayout& layout = index_->layout;
  std::sort(extra_tids_.begin(), extra_tids_.end(),
            [](const ExtraTid& a, const ExtraTid& b) { return a.id < b.id; });
  for (size_t begin = 0; begin < extra_tids_.size();) {
    CHECK_FOR_INTERRUPTS();
    const ElementId owner = extra_tids_[begin].id;
    size_t end = begin;
    while (end < extra_tids_.size() && extra_tids_[end].id == owner &&
           end - begin < layout.tids_capacity()) {
      end++;
    }
    const ElementId id = next_element_++;
    EnsureBlock(index_->rel, layout.SlotBlock(id));
    PageTxn txn(*index_, WriteMode::kBuilding);
    txn.Want(layout.SlotBlock(owner));
    txn.Want(layout.SlotBlock(id));
    txn.Begin();
    char* slot = txn.slot(id);
    ElementTail* owner_tail = TailAt(txn.slot(owner), layout);
    HeadAt(slot)->state = SlotState::kTids;
    ElementTail* tail = TailAt(slot, layout);
    *tail = ElementTail{};
    tail->parent = owner;
    tail->next = owner_tail->more_tids;
    tail->n_links = end - begin;
    for (size_t i = begin; i < end; i++) {
      ContainerTidsAt(slot, layout)[i - begin] = extra_tids_[i].tid;
    }
    owner_tail->more_tids = id;
    ExtendContent(txn.page(layout.SlotBlock(id)), layout.SlotOffset(id) + layout.slot_bytes());
    txn.Commit();
    n_tid_slots_++;
    begin = end;
  }
}

void Loader::WriteMeta(const GraphBuilder& graph) {
  PageTxn txn(*index_, WriteMode::kBuilding);
  txn.Want(kMetaBlock);
  txn.Begin();
  Meta* meta = txn.meta();
  if (graph.size() > 0) {
    meta->entry = graph.entry_point();
    meta->entry_level = graph.max_level();
  }
  meta->next_element = next_element_;
  meta->next_upper = next_upper_;
  meta->n_linked = graph.size();
  meta->n_tid_slots = n_tid_slots_;
  meta->n_tids = n_tids_;
  meta->last_sync = GetCurrentTimestamp();
  txn.Commit();
}

}  // namespace hnswpg
