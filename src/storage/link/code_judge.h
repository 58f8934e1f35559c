// Whether an element's code tells it from the elements around it. Private to link.
#ifndef HNSWPG_STORAGE_LINK_CODE_JUDGE_H_
#define HNSWPG_STORAGE_LINK_CODE_JUDGE_H_

#include "hnswpg/core/memory/flat_set.h"
#include "hnswpg/core/memory/nearest_few.h"
#include "hnswpg/core/space/code_quality.h"
#include "hnswpg/storage/graph/slot_reader.h"

namespace hnswpg {

// Around an element are those in its level-0 list and in the lists of the nearest of these.
// Its own list alone would not do: the heuristic leaves neighbours out of it that are near
// each other, and may keep a few that are far away, so its distances differ more than those
// of the nearest do.
//
// Memory from the context it is made in. Nothing in the graph is freed meanwhile: the caller
// holds the maintenance lock, or the graph lock.
class CodeJudge {
 public:
  // By the codes that `space` makes of vectors. Null: by the codes in the slots, of those that
  // have one by the book in force.
  CodeJudge(const HnswIndex* index, const CodeSpace* space);

  // Of a linked element. False too where too few are around it to say. Share locks, a page at
  // a time, taken and released. Raises ERRCODE_INDEX_CORRUPTED.
  bool IsGood(ElementId id);

 private:
  // So many of the neighbours lead on.
  static constexpr int kLeading = 4;
  struct Leader {
    float distance;
    ElementId id;
  };

  bool ReadCode(ElementId id, SlotCopy* slot, char* code);
  void MeetAll(const SlotCopy& slot);
  void Meet(ElementId id);
  char* Room(int i) { return codes_ + i * stride_; }

  const HnswIndex* index_;
  const CodeSpace& space_;
  bool encodes_;
  int capacity_;
  size_t stride_;
  char* base_;
  char* codes_;
  const char** pointers_;
  void* vector_;
  IdSet met_;
  int n_ = 0;
  NearestFew<Leader, kLeading> leaders_;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_LINK_CODE_JUDGE_H_
