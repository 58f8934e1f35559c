// Two passes over the pages of the graph, a record a page (README.md, "Codes that are made
// anew"). Each record says in the metapage how far the pass has come, so that it goes on from
// there after a crash, or when somebody else has had his turn.
#include "storage/link/recode.h"

#include <algorithm>

#include "hnswpg/storage/graph/slot_reader.h"
#include "hnswpg/storage/page/locks.h"
#include "hnswpg/storage/page/page_txn.h"
#include "storage/link/code_judge.h"
#include "storage/page/interrupts.h"

namespace hnswpg {
namespace {

class Recoder {
 public:
  Recoder(const HnswIndex& index, bool gives_way)
      : index_(index),
        turn_(index.rel, gives_way, GraphTurn::kShort),
        stride_(MAXALIGN(index.space.code_bytes())),
        vector_(palloc(index.space.vector_bytes())),
        codes_(static_cast<char*>(palloc(index.layout.slots_per_page() * stride_))),
        ids_(static_cast<ElementId*>(palloc(index.layout.slots_per_page() * sizeof(ElementId)))),
        judge_(&index, nullptr) {}

  // Link lock, shared, and graph lock are held; the latter is yielded between pages.
  bool Run();

 private:
  // Slots [begin, end) of one page.
  using PageStep = void (Recoder::*)(ElementId begin, ElementId end);
  // Judging one looks at some hundred others, so a page is judged in parts.
  static constexpr ElementId kJudgedAtOnce = 8;
  // So many are gone through without a change before it is noted how far this has come.
  static constexpr ElementId kUnnoted = 4096;

  bool Pass(PageStep step, ElementId at_once);
  void NoteIfFar(ElementId id);
  void CodePage(ElementId begin, ElementId end);
  void JudgePage(ElementId begin, ElementId end);
  void WriteCode(char* slot, const char* code) const;
  void EndPass();

  const HnswIndex& index_;
  GraphTurn turn_;
  size_t stride_;
  void* vector_;
  char* codes_;     // of the elements of a page
  ElementId* ids_;  //   that are to be changed
  CodeJudge judge_;
  ElementId noted_ = 0;  // how far the metapage knows of
};

bool Recoder::Run() {
  if (ReadMeta(index_).recoding == Recoding::kCoding) {
    if (!Pass(&Recoder::CodePage, kMaxElements)) return false;
    EndPass();
  }
  if (!Pass(&Recoder::JudgePage, kJudgedAtOnce)) return false;
  EndPass();
  return true;
}

// What is linked while this goes on has a code by the book in force, and is judged: whoever
// links holds the link lock, and has looked at the metapage since. So what is in the graph in
// the beginning is all that is to be gone through.
bool Recoder::Pass(PageStep step, ElementId at_once) {
  const Meta meta = ReadMeta(index_);
  noted_ = meta.recoding_at;
  for (ElementId id = meta.recoding_at; id < meta.next_element;) {
    CHECK_FOR_INTERRUPTS();
    NoteIfFar(id);
    if (!turn_.Yield()) return false;
    const BlockNumber block = index_.layout.SlotBlock(id);
    const ElementId behind = index_.layout.FirstElementOn(block) + index_.layout.ElementsOn(block);
    const ElementId end = std::min({behind, meta.next_element, id + at_once});
    (this->*step)(id, end);
    id = end;
  }
  return true;
}

// Where nothing has to be changed no record says how far this has come; and whoever has to give
// way over and over has to come to an end all the same.
void Recoder::NoteIfFar(ElementId id) {
  if (id < noted_ + kUnnoted) return;
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Begin();
  txn.meta()->recoding_at = id;
  txn.Commit();
  noted_ = id;
}

// The vectors are read before the page is locked, since they lie behind it. Nobody changes
// the state of an element in the graph without the graph lock.
void Recoder::CodePage(ElementId begin, ElementId end) {
  int n = 0;
  for (ElementId id = begin; id < end; id++) {
    SlotCopy slot;
    ReadSlot(index_, id, &slot, nullptr);
    const SlotState state = slot.head.state;
    if (state != SlotState::kLinked && state != SlotState::kDead) continue;
    if ((slot.head.book & kMaxBook) == index_.parameters.book) continue;
    ReadVector(index_, id, vector_);
    index_.space.Encode(vector_, codes_ + n * stride_);
    ids_[n++] = id;
  }
  if (n == 0) return;
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Want(index_.layout.SlotBlock(begin));
  txn.Begin();
  for (int i = 0; i < n; i++) WriteCode(txn.slot(ids_[i]), codes_ + i * stride_);
  txn.meta()->recoding_at = end;
  txn.Commit();
  noted_ = end;
}

// To be measured exactly until it is judged, which its neighbours' new codes are needed for.
// So whether it counts as measured exactly does not change.
void Recoder::WriteCode(char* slot, const char* code) const {
  HeadAt(slot)->book = index_.parameters.book | kMeasureExactly;
  WriteCodeAt(slot, code, index_.layout);
}

// The dead stay as they are: they are about to go, and their lists may be out of date.
void Recoder::JudgePage(ElementId begin, ElementId end) {
  int n = 0;
  for (ElementId id = begin; id < end; id++) {
    SlotCopy slot;
    ReadSlot(index_, id, &slot, nullptr);
    const bool waits = slot.head.state == SlotState::kLinked &&
                       slot.head.book == (index_.parameters.book | kMeasureExactly);
    if (waits && judge_.IsGood(id)) ids_[n++] = id;
  }
  if (n == 0) return;
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Want(index_.layout.SlotBlock(begin));
  txn.Begin();
  for (int i = 0; i < n; i++) HeadAt(txn.slot(ids_[i]))->book = index_.parameters.book;
  txn.meta()->n_exact -= n;
  txn.meta()->recoding_at = end;
  txn.Commit();
  noted_ = end;
}

void Recoder::EndPass() {
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(kMetaBlock);
  txn.Begin();
  Meta* meta = txn.meta();
  const bool coded = meta->recoding == Recoding::kCoding;
  meta->recoding = coded ? Recoding::kJudging : Recoding::kDone;
  meta->recoding_at = 0;
  if (!coded) meta->n_exact_when_learnt = meta->n_exact;
  txn.Commit();
}

}  // namespace

bool Recode(const HnswIndex& index, bool gives_way) {
  LockIndex(index.rel, IndexLock::kLink, ShareLock);
  LockGraph(index.rel);
  Recoder recoder(index, gives_way);
  const bool complete = recoder.Run();
  UnlockGraph(index.rel);
  UnlockIndex(index.rel, IndexLock::kLink, ShareLock);
  return complete;
}

}  // namespace hnswpg
