// Cleanup: letting others have the graph lock, and learning what they linked.
//
// Outside of Yield, once all has been read, everything in the graph is known. What
// others link is pending right before, or free, or was never used; so before the lock is
// passed on a note is made of what is pending (runs of ids), of the head of the free list
// and of where never-used slots begin. The metapage counts what is in the graph, and
// tells afterwards how many elements have come in. The pending list is first in, first
// out, so they are looked for where they must be: this takes as long as it took to link
// them, not as long as the index is large. Where that does not find them all (a slot that
// lay far down the free list, or came onto it meanwhile), everything that is not in the
// graph is read again, in turns.
#include "storage/cleanup/remover.h"

namespace hnswpg {
namespace {

// So much of the free list is noted: more than is inserted and linked again while others
// have the lock, which is a turn or two each.
constexpr size_t kFreeNoted = 256;
// So often everything is read again before the cleanup is left for another time.
constexpr int kMostPasses = 3;

}  // namespace

// False if the cleanup is to come to an end.
bool Remover::Yield() {
  CHECK_FOR_INTERRUPTS();
  return PassTurn() && (missing_ == 0 || !all_read_ || FindMissing());
}

bool Remover::PassTurn() {
  const uint32_t passed = turn_.n_passed();
  const auto note = [](void* arg) { static_cast<Remover*>(arg)->NoteLinkable(); };
  if (!turn_.Yield(note, this)) return false;
  if (turn_.n_passed() != passed) LearnLinked();
  return true;
}

void Remover::NoteLinkable() {
  runs_.Clear();
  free_.Clear();
  before_ = ReadPendingRuns(index_, &runs_);
  ElementId id = before_.free_elements;
  while (id < before_.next_element && free_.size() < kFreeNoted) {
    free_.Push(id);
    SlotCopy copy;
    ReadSlot(index_, id, &copy, nullptr);
    // Taken just now.
    if (copy.head.state != SlotState::kFree) break;
    id = copy.tail.next;
  }
}

// The runs are gone through in the order of linking, and no farther than the list has
// been taken from.
void Remover::LearnLinked() {
  ElementId oldest;
  const Meta meta = ReadMetaAndOldest(index_, &oldest);
  Grow(meta.next_element);
  learned_.Clear();
  const uint32_t linked = meta.n_linked + meta.n_dead - before_.n_linked - before_.n_dead;
  const auto wants_more = [&] { return learned_.size() < linked; };
  bool at_oldest = false;
  for (const PendingRun& run : runs_) {
    for (uint32_t i = 0; i < run.count && wants_more() && !at_oldest; i++) {
      at_oldest = run.first + i == oldest;
      if (!at_oldest) LearnIf(run.first + i);
    }
  }
  for (ElementId id = before_.next_element; id < end_ && wants_more(); id++) LearnIf(id);
  for (size_t i = 0; i < free_.size() && wants_more(); i++) LearnIf(free_[i]);
  // An attempt at linking it may have been cut short.
  if (oldest != kNoId) LearnIf(oldest);
  missing_ += linked - std::min<size_t>(linked, learned_.size());
  LearnEntry(meta);
  for (const ElementId id : learned_) PlaceInPart(id);
}

// The old entry point has a parent now.
void Remover::LearnEntry(const Meta& meta) {
  const ElementId old = entry_;
  entry_ = meta.entry;
  if (old == entry_ || old == kNoId || !InGraph(old)) return;
  SlotCopy copy;
  ReadSlot(index_, old, &copy, nullptr);
  known_[old].parent = copy.tail.parent;
  PlaceInPart(old);
}

// True if it has come into the graph.
bool Remover::LearnIf(ElementId id) {
  if (id >= end_ || InGraph(id)) return false;
  SlotCopy copy;
  ReadSlot(index_, id, &copy, nullptr);
  if (!Learn(id, copy.head, copy.tail)) return false;
  learned_.Push(id);
  return true;
}

// What the slot says of an element that is not known to be in the graph. True if it is.
bool Remover::Learn(ElementId id, const ElementHead& head, const ElementTail& tail) {
  if (!IsElement(head.state)) return false;
  if (head.level > kMaxLevel) {
    ReportDamage(index_.rel, index_.layout.SlotBlock(id), id, "a level that cannot be");
  }
  Known* known = &known_[id];
  const bool dies_now = head.state == SlotState::kDead && all_read_;
  known->state = dies_now ? SlotState::kLinked : head.state;
  known->parent = tail.parent;
  known->up = id;
  known->level = head.level;
  const bool has_links = tail.n_links > 0 || tail.upper != kNoId;
  known->half_linked = head.state == SlotState::kPending && has_links;
  if (all_read_ && (InGraph(id) || known->half_linked)) fresh_.Push(id);
  return InGraph(id);
}

// In turns. False if the cleanup is to come to an end, or others link so fast and from so
// many places that this finds no end.
bool Remover::FindMissing() {
  for (int pass = 0; missing_ > 0; pass++) {
    if (pass == kMostPasses) return false;
    missing_ = 0;
    BlockNumber block = InvalidBlockNumber;
    for (ElementId id = 0; id < end_; id++) {
      if (InGraph(id) || index_.layout.SlotBlock(id) == block) continue;
      CHECK_FOR_INTERRUPTS();
      if (!PassTurn()) return false;
      block = index_.layout.SlotBlock(id);
      ReadPage(block);
    }
  }
  // Now that the parents of all of them are known too.
  for (const ElementId id : fresh_) {
    if (InGraph(id)) PlaceInPart(id);
  }
  return true;
}

}  // namespace hnswpg
