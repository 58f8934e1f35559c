// Links, on all levels.
#include <algorithm>
#include <cstdarg>

#include "hnswpg/core/walk/walk.h"
#include "storage/check/state.h"

namespace hnswpg {
namespace {

// One neighbour list.
struct List {
  ElementId owner;
  int level;
  BlockNumber block;
  const ElementId* links;
  int n;
};

class LinkExaminer {
 public:
  explicit LinkExaminer(Examination* e) : e_(e), page_(e) {}
  void ExamineSlot(ElementId id);
  void ExamineUpper(UpperId id);
  void ReportDeadOnes();

 private:
  void Complain(const List& list, const char* format, ...) __attribute__((format(printf, 3, 4)));
  void ExamineList(const List& list);
  void ExamineLink(const List& list, ElementId to);
  void ExamineTarget(const List& list, ElementId to);
  void FindDuplicates(const List& list);

  Examination* e_;
  PageCopy page_;
};

void LinkExaminer::Complain(const List& list, const char* format, ...) {
  char what[200];
  va_list args;
  va_start(args, format);
  pg_vsnprintf(what, sizeof(what), format, args);
  va_end(args);
  const bool dead = e_->state(list.owner) == SlotState::kDead;
  if (dead && list.owner != e_->index.meta.entry) {
    e_->dead_complaints.Push({list.owner, list.block, pstrdup(what)});
  } else {
    Report(e_, list.block, list.owner, "%s", what);
  }
}

void LinkExaminer::ExamineSlot(ElementId id) {
  if (e_->state(id) == kUnread || !IsElement(e_->state(id))) return;
  BlockNumber block;
  uint32_t offset;
  e_->layout().Locate(id, &block, &offset);
  const char* page = page_.Read(block);
  if (page == nullptr) return;
  const char* slot = page + offset;
  const int n = std::min<int>(TailAt(slot, e_->layout())->n_links, e_->layout().max_links(0));
  ExamineList({id, 0, block, LinksAt(slot, e_->layout()), n});
}

void LinkExaminer::ExamineUpper(UpperId id) {
  const KnownUpper& known = e_->uppers[id];
  if (!known.readable || known.owner == kNoId) return;
  const BlockNumber block = e_->layout().UpperBlock(id);
  if (known.owner >= e_->end || e_->state(known.owner) == kUnread ||
      !IsElement(e_->state(known.owner))) {
    return;  // reported as nobody's
  }
  const char* page = page_.Read(block);
  if (page == nullptr) return;
  const UpperHead* head = UpperAt(page, e_->layout().UpperOffset(id));
  if (head->n_links > e_->layout().m()) {
    Report(e_, block, known.owner, "%d neighbours on level %d where %d fit", head->n_links,
           known.level, e_->layout().m());
    return;
  }
  ExamineList({known.owner, known.level, block, UpperLinks(head), head->n_links});
}

void LinkExaminer::ExamineList(const List& list) {
  for (int i = 0; i < list.n; i++) ExamineLink(list, list.links[i]);
  FindDuplicates(list);
}

void LinkExaminer::ExamineLink(const List& list, ElementId to) {
  if (to == list.owner) {
    Complain(list, "links to itself on level %d", list.level);
  } else if (to >= e_->end) {
    if (!(e_->incomplete && to < e_->index.meta.next_element)) {
      Complain(list, "links to element %u on level %d, which does not exist", to, list.level);
    }
  } else if (e_->state(to) != kUnread) {
    ExamineTarget(list, to);
  }
}

void LinkExaminer::ExamineTarget(const List& list, ElementId to) {
  KnownSlot* target = &e_->slots[to];
  if (target->state == SlotState::kFree) {
    Complain(list, "links to slot %u on level %d, which is free", to, list.level);
    return;
  }
  if (target->state == SlotState::kTids) {
    Complain(list, "links to slot %u on level %d, which is a TID container", to, list.level);
    return;
  }
  // A pending one may be half linked: attempts to link it were cut short.
  if (target->level < list.level) {
    Complain(list, "links to element %u on level %d, which is of level %d", to, list.level,
             target->level);
  }
  const SlotState owner = e_->state(list.owner);
  if (owner == SlotState::kLinked && target->state == SlotState::kDead) target->led_to = true;
  if (list.level == 0 && e_->InGraph(list.owner) && target->parent == list.owner)
    target->held = true;
}

void LinkExaminer::FindDuplicates(const List& list) {
  ElementId sorted[kMaxLinks];
  std::copy(list.links, list.links + list.n, sorted);
  std::sort(sorted, sorted + list.n);
  for (int i = 1; i < list.n; i++) {
    if (sorted[i] != sorted[i - 1] || (i > 1 && sorted[i] == sorted[i - 2])) continue;
    Complain(list, "links to element %u on level %d more than once", sorted[i], list.level);
  }
}

void LinkExaminer::ReportDeadOnes() {
  for (const DeadComplaint& complaint : e_->dead_complaints) {
    if (e_->slots[complaint.id].led_to)
      Report(e_, complaint.block, complaint.id, "%s", complaint.what);
  }
}

}  // namespace

void ExamineLinks(Examination* e) {
  LinkExaminer examiner(e);
  for (ElementId id = 0; id < e->end; id++) examiner.ExamineSlot(id);
  for (UpperId id = 0; id < e->upper_end; id++) examiner.ExamineUpper(id);
  examiner.ReportDeadOnes();
}

}  // namespace hnswpg
