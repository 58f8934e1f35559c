// The state of one cleanup. cleanup.cpp is its frame and says in which order
// things happen; parents.cpp has entry point and parents, lists.cpp
// lists and their candidates, free.cpp slots.
//
// Maintenance lock, link lock (shared) and graph lock are held while any member
// runs, and the last one may be yielded by those that say so: they return false if
// the cleanup is to come to an end. Then, as after an error, the graph is whole, and
// the next cleanup does the rest.
#ifndef HNSWPG_STORAGE_CLEANUP_REMOVER_H_
#define HNSWPG_STORAGE_CLEANUP_REMOVER_H_

#include "hnswpg/core/memory/flat_set.h"
#include "hnswpg/core/tree/chains.h"
#include "hnswpg/storage/cleanup/cleanup.h"
#include "hnswpg/storage/graph/neighbour_list.h"
#include "hnswpg/storage/graph/page_graph.h"
#include "hnswpg/storage/page/locks.h"
#include "hnswpg/storage/page/pending.h"

namespace hnswpg {

class Remover {
 public:
  Remover(const HnswIndex& index, bool gives_way);
  RemoveResult Run();

 private:
  // What is known of an element: read once, kept up to date.
  struct Known {
    ElementId parent;
    // The way to the top of the part of the tree that this element is in (TopOfPart). The
    // top is the entry point, or a child of a dead element.
    ElementId up;
    // Dead is what was so when it was read first. What dies later counts as linked,
    // and is left for the next cleanup.
    SlotState state;
    uint8_t level;
    // Pending, and an attempt to link it was cut short: it has links already.
    bool half_linked;
    Chain chain;  // as far as CheckTree has come
  };

  bool IsDead(ElementId id) const { return id < end_ && known_[id].state == SlotState::kDead; }
  bool IsLinked(ElementId id) const { return id < end_ && known_[id].state == SlotState::kLinked; }
  bool InGraph(ElementId id) const { return IsDead(id) || IsLinked(id); }

  // So many elements are gone through in memory between two looks at the clock.
  static constexpr ElementId kStride = 65536;

  // cleanup.cpp
  bool ReadAll();
  bool CatchUp();
  void Grow(ElementId end);
  void ReadPage(BlockNumber block);
  bool CheckParents();

  // yield.cpp
  bool Yield();
  bool PassTurn();
  void NoteLinkable();
  void LearnLinked();
  void LearnEntry(const Meta& meta);
  bool LearnIf(ElementId id);
  bool Learn(ElementId id, const ElementHead& head, const ElementTail& tail);
  bool FindMissing();

  // parents.cpp
  bool CheckTree();
  void ReplaceEntry();
  bool AdoptOrphans();
  bool AdoptFresh();
  void PlaceInPart(ElementId id);
  bool TryEntry(ElementId entry, ElementId old_entry);
  bool RaiseToEntry();
  bool IsOrphan(ElementId id) const;
  bool AdoptParts(bool* parts_hold);
  ElementId Top(ElementId id);
  bool AdoptNear(ElementId orphan);
  bool AdoptAnywhere(ElementId orphan);
  bool Raise(ElementId orphan);
  ElementId SwapUp(ElementId id);
  bool TryParent(ElementId parent, ElementId orphan);
  void CountRerouting();
  void ChangeReroutings(uint32_t (*next)(uint32_t));

  // lists.cpp
  bool MendLists();
  void Mend(ElementId id);
  void Put(const ListPlace& place, const ElementId* links, int n);
  void WritePut();
  void MendList(const ListPlace& place);
  void DropDead(const ListPlace& place);
  int ReadIfDead(const ListPlace& place, ElementId* links);
  void Gather(ElementId id, int level, const ElementId* links, int n);
  void GatherBeyond(ElementId id, int level, const ElementId* links, int n);
  void GatherAround(ElementId dead, int level);
  void AddCandidate(ElementId id, int level, bool keep);
  void SearchNear(ElementId id, int level);

  // free.cpp
  bool FreeDead(uint32_t* freed);
  void FreeUppers(ElementId id);
  uint32_t FreeOnPage(BlockNumber block);

  const HnswIndex& index_;
  GraphTurn turn_;
  bool rerouted_ = false;  // since the metapage was told last
  bool all_read_ = false;  // what was dead in the beginning is known
  // A level-0 list that is to be written.
  struct NewList {
    ElementId owner;
    int n;
    ElementId links[kMaxLinks];
  };

  ElementId entry_ = kNoId;
  Known* known_ = nullptr;
  ElementId end_ = 0;  // elements in known_
  // Linked since ReadAll, or an attempt at that was cut short. So many of them have been
  // looked at for their parents and for their lists.
  PodVector<ElementId> fresh_;
  size_t n_adopted_ = 0;
  size_t n_mended_ = 0;
  // What others could link while they had the lock (yield.cpp).
  Meta before_;
  PodVector<PendingRun> runs_;
  PodVector<ElementId> free_;
  PodVector<ElementId> learned_;  // what they did link
  uint32_t missing_ = 0;          // so many more
  IdSet seen_;                    // GatherBeyond: what it has met,
  PodVector<ElementId> dead_;     // the dead among it,
  PodVector<Candidate> beyond_;   // and what is alive
  NewList* put_;                  // of one page, not yet written
  int n_put_ = 0;
  ElementView self_;  // the element whose candidates are in near_
  PageGraph graph_;
  Budget budget_;
  PageWalk walk_;
  ListEditor editor_;
  CandidateSet near_;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_CLEANUP_REMOVER_H_
