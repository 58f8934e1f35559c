// The second half of an insertion: linking a written element into the graph.
// Malkov and Yashunin 2016, algorithm 1, with the neighbour selection and the
// back links of hnswlib, on pages.
#ifndef HNSWPG_STORAGE_LINK_PAGE_LINKER_H_
#define HNSWPG_STORAGE_LINK_PAGE_LINKER_H_

#include "hnswpg/storage/graph/neighbour_list.h"
#include "hnswpg/storage/graph/page_graph.h"

namespace hnswpg {

// Links pending elements, one after another. Its memory is in the memory context
// that was current when it was made. The graph lock is held by the caller while
// any member runs; no page is locked at entry or exit.
class PageLinker {
 public:
  PageLinker(const HnswIndex* index, WriteMode mode);

  // Links the oldest pending element; merges it into an equal one, or frees it if it
  // has no heap TID any more. False if there is none. What a crash or an
  // error in the middle leaves: the element is still pending, some neighbours
  // may link to it already; doing it again completes it.
  bool LinkOldest();

  // The same, where a graph in memory has said what is to be done with `oldest`: it is
  // equal to the linked element `into`; or its lists are written, and so are the links
  // back. Does what LinkOldest does where that does not hold any more.
  void MergeOldest(ElementId oldest, ElementId into);
  void LinkPreparedOldest(ElementId oldest);

  // Chooses the level-0 neighbours of a linked element anew, by vectors, and has it be
  // measured so from then on: it was linked by codes that do not tell it from them. Its
  // children stay. Each record leaves a graph that is whole.
  void Relink(ElementId id);

 private:
  bool TakeOldest();
  void TakeOldest(ElementId expected);
  bool ReadSelf();
  bool IsUntouched() const;
  void Link();
  void FindAllNeighbours();
  void FindBeside();
  void MarkExact();
  void WriteCode(char* slot);
  void ChooseParent();
  void SearchParent();
  void FindNeighbours(int level, ElementId* entry);
  void SearchFrom(ElementId entry, int level);
  void SearchForCertain(int level, ElementId* entry);
  void TakeFound(int level, bool dead_too, ElementId* entry);
  ElementId FindNamedEqual();
  ElementId FindEqual();
  bool MayBeEqual(int candidate) const;
  bool HasSameVector(ElementId id);
  void Merge(ElementId into);
  void Discard();
  void TakeOffList(PageTxn* txn);
  void WriteLists();
  void AddBackLinks();
  void AddParent(ElementId near);
  void Finish();
  void BecomeEntry(PageTxn* txn);
  const ElementId* Chosen(int level) const { return chosen_ + level * kMaxM; }

  const HnswIndex* index_;
  WriteMode mode_;
  ElementView view_;  // the element being linked
  PageGraph graph_;
  Budget budget_;
  PageWalk walk_;
  CandidateSet candidates_;
  ListEditor editor_;
  void* other_vector_;

  // The element being linked.
  Meta meta_;
  ElementId id_ = kNoId;
  SlotCopy self_;
  ElementId parent_ = kNoId;
  ElementId* chosen_;  // kMaxM for each level
  int n_chosen_[kMaxLevel + 1];
  int n_fillers_ = 0;  // behind those chosen on level 0; they get no link back
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_LINK_PAGE_LINKER_H_
