// A row into an element that is in the graph, without a pending element and without linking
// (README.md, "A row whose vector is known").
//
// Nothing is decided by what the search saw: state, vector and room are looked at again under
// the graph lock, whose holder alone changes them.
#include "hnswpg/storage/insert/equal_element.h"

#include "hnswpg/storage/graph/page_graph.h"
#include "hnswpg/storage/graph/slot_reader.h"
#include "hnswpg/storage/page/locks.h"
#include "hnswpg/storage/page/page_txn.h"
#include "storage/page/interrupts.h"

namespace hnswpg {
namespace {

// The walk is over as soon as it meets the vector. So this matters only where it is led astray.
constexpr size_t kCandidates = 32;

bool HasVector(const HnswIndex& index, ElementId id, const void* vector, void* scratch) {
  ReadVector(index, id, scratch);
  return memcmp(scratch, vector, index.space.vector_bytes()) == 0;
}

// The graph as the walk sees it; spends the walk's budget when it meets the vector.
class Seeker {
 public:
  Seeker(const HnswIndex* index, const void* vector, const void* code, Budget* budget)
      : index_(index),
        vector_(vector),
        scratch_(palloc(index->space.vector_bytes())),
        same_(index->space.Distance(code, code)),
        exactly_same_(index->space.ExactDistance(vector, vector)),
        graph_(index),
        budget_(budget) {
    graph_.set_query(code, vector);
  }

  int ReadLinks(ElementId id, int level, ElementId* out) {
    return graph_.ReadLinks(id, level, out);
  }
  void PrefetchLinks(ElementId id, int level) { graph_.PrefetchLinks(id, level); }
  void Measure(const ElementId* ids, int n, Measured* out) {
    graph_.Measure(ids, n, out);
    for (int i = 0; i < n && found_ == kNoId; i++) {
      // Equal codes have the same distance, bit for bit; the reverse is not so.
      const bool same = out[i].distance == same_ || out[i].distance == exactly_same_;
      if (!same || out[i].routes_only) continue;
      if (!HasVector(*index_, ids[i], vector_, scratch_)) continue;
      found_ = ids[i];
      budget_->set_limit(0);
    }
  }
  ElementId found() const { return found_; }

 private:
  const HnswIndex* index_;
  const void* vector_;
  void* scratch_;
  float same_;          // its distance from an equal one, by codes
  float exactly_same_;  //   and by vectors
  PageGraph graph_;
  Budget* budget_;
  ElementId found_ = kNoId;
};

// Graph lock held.
bool Append(const HnswIndex& index, ElementId id, const void* vector, ItemPointer tid) {
  const ElementLayout& layout = index.layout;
  SlotCopy element;
  ReadSlot(index, id, &element, nullptr);
  if (element.head.state != SlotState::kLinked) return false;
  void* scratch = palloc(index.space.vector_bytes());
  if (!HasVector(index, id, vector, scratch)) return false;
  ElementId slot = id;
  if (element.tail.n_tids == kInlineTids) {
    slot = element.tail.more_tids;
    if (slot == kNoId) return false;
    SlotCopy container;
    ReadContainerSlot(index, id, slot, &container);
    if (container.tail.n_links >= layout.tids_capacity()) return false;
  }
  PageTxn txn(index, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Want(layout.SlotBlock(slot));
  txn.Begin();
  ElementTail* tail = TailAt(txn.slot(slot), layout);
  if (slot == id) {
    tail->tids[tail->n_tids++] = EntryOf(tid);
  } else {
    ContainerTidsAt(txn.slot(slot), layout)[tail->n_links++] = EntryOf(tid);
  }
  txn.meta()->n_tids++;
  txn.Commit();
  return true;
}

}  // namespace

ElementId FindEqualElement(const HnswIndex& index, const void* vector) {
  const Meta meta = ReadMeta(index);
  if (meta.entry == kNoId) return kNoId;
  void* code = palloc(index.space.code_bytes());
  index.space.Encode(vector, code);
  Budget budget(&AnswerInterrupts);
  Seeker seeker(&index, vector, code, &budget);
  Walk<Seeker> walk(&seeker, ContextArena(CurrentMemoryContext), WriterVisited(), &budget);
  walk.Begin();
  ElementId entry = meta.entry;
  if (meta.entry_level > 0) entry = walk.Descend(entry, meta.entry_level, 1);
  if (seeker.found() == kNoId) walk.Continue(entry, 0, kCandidates);
  return seeker.found();
}

bool AppendTid(const HnswIndex& index, ElementId id, const void* vector, ItemPointer tid) {
  if (!LockIndex(index.rel, IndexLock::kGraph, ExclusiveLock, true)) return false;
  const bool done = Append(index, id, vector, tid);
  UnlockGraph(index.rel);
  return done;
}

}  // namespace hnswpg
