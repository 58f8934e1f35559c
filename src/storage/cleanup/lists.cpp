// Cleanup, the third step: lists without the dead. The candidates for a dead
// neighbour's place are its own neighbours (local repair), so nothing is searched
// for but where those are too few.
#include <algorithm>

#include "hnswpg/core/format/link_slot.h"
#include "storage/cleanup/remover.h"

namespace hnswpg {

// Yields between pages, whose level-0 lists are written in one record.
bool Remover::MendLists() {
  BlockNumber block = InvalidBlockNumber;
  for (ElementId id = 0; id < end_; id++) {
    if (index_.layout.SlotBlock(id) != block) {
      WritePut();
      // What has been linked comes under live parents before the ways to it are cut.
      if (!Yield() || !AdoptFresh()) return false;
      block = index_.layout.SlotBlock(id);
    }
    if (IsLinked(id) || known_[id].half_linked) Mend(id);
  }
  WritePut();
  return true;
}

// Has the list written, on level 0 by the next WritePut, which comes before anybody
// could see another one.
void Remover::Put(const ListPlace& place, const ElementId* links, int n) {
  if (place.level > 0) {
    WriteList(index_, WriteMode::kLogged, place, links, n);
    return;
  }
  NewList* list = &put_[n_put_++];
  list->owner = place.owner;
  list->n = n;
  std::copy(links, links + n, list->links);
}

void Remover::WritePut() {
  if (n_put_ == 0) return;
  PageTxn txn(index_, WriteMode::kLogged);
  txn.Want(index_.layout.SlotBlock(put_[0].owner));
  txn.Begin();
  for (const NewList* list = put_; list < put_ + n_put_; list++) {
    LinkSlot(txn.slot(list->owner), index_.layout).Set(list->links, list->n);
  }
  txn.Commit();
  n_put_ = 0;
}

// All lists of an element. One that is half linked has them written again when it is
// linked; until then they need only not lead to what will be another element.
void Remover::Mend(ElementId id) {
  const bool linked = IsLinked(id);
  for (int level = known_[id].level; level >= 0; level--) {
    ListPlace place = {id, 0, kNoId};
    if (level > 0 && !FindList(index_, id, level, &place)) continue;
    if (linked) {
      MendList(place);
    } else {
      DropDead(place);
    }
  }
}

// The list's length; 0 if it has nothing to mend.
int Remover::ReadIfDead(const ListPlace& place, ElementId* links) {
  const int n = ReadList(index_, place, links);
  const auto is_dead = [this](ElementId id) { return IsDead(id); };
  return std::any_of(links, links + n, is_dead) ? n : 0;
}

// Not to the last link, since an element without any is one that nobody links to:
// then the entry point takes the place of the dead.
void Remover::DropDead(const ListPlace& place) {
  ElementId links[kMaxLinks];
  const int n = ReadIfDead(place, links);
  if (n == 0) return;
  const auto is_dead = [this](ElementId id) { return IsDead(id); };
  int left = std::remove_if(links, links + n, is_dead) - links;
  if (left == 0 && place.level == 0 && IsLinked(entry_)) links[left++] = entry_;
  Put(place, links, left);
}

void Remover::MendList(const ListPlace& place) {
  const ElementId id = place.owner;
  ElementId links[kMaxLinks];
  const int n = ReadIfDead(place, links);
  if (n == 0) return;
  Gather(id, place.level, links, n);
  if (place.level == 0 && known_[id].parent != kNoId) AddCandidate(known_[id].parent, 0, false);
  // Where most are dead, their neighbours are too.
  const int n_dead = std::count_if(links, links + n, [this](ElementId to) { return IsDead(to); });
  if (2 * n_dead > n || near_.size() < index_.layout.m()) SearchNear(id, place.level);
  near_.Select(index_.layout.max_links(place.level), place.level == 0 ? id : kNoId, kNoId);
  int count = near_.n_chosen();
  for (int i = 0; i < count; i++) links[i] = near_.chosen(i);
  // Filled up with the nearest of those the heuristic passed over (the paper's
  // keepPrunedConnections): the new ways have to make up for the dead ones.
  count += near_.NearestDropped(index_.layout.max_links(place.level) - count, links + count);
  Put(place, links, count);
}

// ---- candidates ----

// A neighbour that died since ReadAll stays one (`keep`), and its children with it.
// Any other has to be alive, and on this level: it was met by reading without locks.
void Remover::AddCandidate(ElementId id, int level, bool keep) {
  if (IsDead(id) || near_.size() == near_.capacity() || near_.Contains(id)) return;
  near_.Add(id, self_, keep);
  if (!near_.LastIsIn(level, keep)) near_.DropLast();
}

// The live ones of an element's links, which stay its neighbours, and the nearest
// neighbours of its dead ones, which compete for the places of the dead. Makes `id`
// the query of graph_.
void Remover::Gather(ElementId id, int level, const ElementId* links, int n) {
  near_.Clear();
  SlotCopy copy;
  self_.Read(id, &copy);
  graph_.set_query(&self_);
  for (int i = 0; i < n; i++) AddCandidate(links[i], level, true);
  GatherBeyond(id, level, links, n);
}

// What is alive beyond the dead neighbours: their neighbours; and where most of those
// are dead too, as in a region that was deleted altogether, what is met farther in, or
// on the other side. That is how long links over such a region are replaced: a search
// from here would find only what is near.
void Remover::GatherBeyond(ElementId id, int level, const ElementId* links, int n) {
  seen_.Clear();
  dead_.Clear();
  beyond_.Clear();
  seen_.Insert(id);
  for (int i = 0; i < n; i++) {
    seen_.Insert(links[i]);
    if (IsDead(links[i])) dead_.Push(links[i]);
  }
  const size_t direct = dead_.size();
  for (size_t i = 0; i < direct; i++) GatherAround(dead_[i], level);
  const bool is_hole = 2 * (dead_.size() - direct) > 3 * beyond_.size();
  const size_t most = is_hole ? 8 * index_.layout.m() : direct;
  for (size_t i = direct; i < dead_.size() && i < most; i++) GatherAround(dead_[i], level);
  // Elsewhere a choice among the nearest is enough. With half as many, lists become less
  // diverse than those of a new index, and searches find fewer.
  const size_t enough = is_hole ? near_.capacity() : 6 * index_.layout.m();
  const size_t n_taken = std::min(enough, beyond_.size());
  std::partial_sort(beyond_.begin(), beyond_.begin() + n_taken, beyond_.end());
  for (size_t i = 0; i < n_taken; i++) AddCandidate(beyond_[i].id, level, false);
}

// The neighbours of a dead element that have not been seen yet, to beyond_ and dead_.
void Remover::GatherAround(ElementId dead, int level) {
  ElementId list[kMaxLinks];
  Measured measured[kMaxLinks];
  const int n = graph_.ReadLinks(dead, level, list);
  int n_alive = 0;
  for (int i = 0; i < n; i++) {
    if (!seen_.Insert(list[i])) continue;
    if (IsDead(list[i])) dead_.Push(list[i]);
    if (IsLinked(list[i])) list[n_alive++] = list[i];
  }
  graph_.Measure(list, n_alive, measured);
  for (int i = 0; i < n_alive; i++) {
    if (!measured[i].routes_only) beyond_.Push({measured[i].distance, list[i]});
  }
}

// What a search from the entry point finds near `id`.
void Remover::SearchNear(ElementId id, int level) {
  // It may be of a lower level than the highest element (TryEntry), or have been
  // linked meanwhile.
  if (!IsLinked(entry_) || known_[entry_].level < level) return;
  SlotCopy copy;
  self_.Read(id, &copy);
  graph_.set_query(&self_);
  walk_.Begin();
  ElementId at = entry_;
  if (known_[entry_].level > level) at = walk_.Descend(at, known_[entry_].level, level + 1);
  walk_.Begin();
  walk_.Exclude(id);
  walk_.Continue(at, level, index_.parameters.ef_construction);
  while (!walk_.found().empty()) AddCandidate(walk_.found().Pop().id, level, false);
}

}  // namespace hnswpg
