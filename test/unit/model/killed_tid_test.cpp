// The mark that a heap TID's row is dead to everybody (src/storage/search/README.md): it is put
// where the TID stood when a scan read it, and must never hide a row that lives. Between the
// two VACUUM may take the TID out, the heap use its place for a new row, and somebody write
// the same TID into the same slot.
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <compare>

#include "model/explore.h"

namespace hnswpg {
namespace {

enum class Row : int8_t { kDead, kGone, kAlive };  // at the one place of the heap
enum class Slot : int8_t { kLinked, kDeadElement, kFree };

// One slot of an index that holds at most one TID, always that place of the heap; and another
// TID of a row that lives, which keeps the element in the graph (or none does).
struct State {
  Row row = Row::kDead;
  Slot slot = Slot::kLinked;
  bool has_other = false;  // a second TID, of a living row
  bool has_tid = true;
  bool killed = false;
  int8_t version = 0;
  // The scan: what it has read, and how far it is.
  int8_t scan_at = 0;
  int8_t scan_version = 0;
  bool scan_found_dead = false;
  int8_t rows_written = 0;
  auto operator<=>(const State&) const = default;
};

struct Guards {
  bool version_when_marked = true;  // MarkKilled compares the versions
  bool version_of_removal = true;   // VACUUM counts it up where it takes a TID out
  bool index_before_heap = true;    // VACUUM frees the heap's place after the index
};

std::vector<State> Next(const State& s, const Guards& guards) {
  std::vector<State> all;
  const auto add = [&](auto change) {
    State next = s;
    change(&next);
    all.push_back(next);
  };
  // The scan: reads the slot; visits the heap; marks.
  if (s.scan_at == 0 && s.slot == Slot::kLinked && s.has_tid) {
    add([](State* n) { n->scan_at = 1, n->scan_version = n->version; });
  }
  if (s.scan_at == 1) {
    add([](State* n) { n->scan_at = 2, n->scan_found_dead = n->row == Row::kDead; });
  }
  if (s.scan_at == 2) {
    add([&](State* n) {
      n->scan_at = 3;
      const bool same = !guards.version_when_marked || n->version == n->scan_version;
      if (n->scan_found_dead && n->has_tid && same) n->killed = true;
    });
  }
  // VACUUM: takes the TID out of the index; then frees the place in the heap.
  if (s.row == Row::kDead && s.has_tid && s.slot == Slot::kLinked) {
    add([&](State* n) {
      n->has_tid = n->killed = false;
      if (guards.version_of_removal) n->version++;
      if (!n->has_other) n->slot = Slot::kDeadElement;
    });
  }
  if (s.row == Row::kDead && (!s.has_tid || !guards.index_before_heap)) {
    add([](State* n) { n->row = Row::kGone; });
  }
  // Cleanup frees the slot, which counts its life.
  if (s.slot == Slot::kDeadElement) {
    add([](State* n) { n->slot = Slot::kFree, n->version++; });
  }
  // A new row in that place, and its TID in that slot: of a new element, or of an equal one
  // that is there still.
  if (s.row == Row::kGone && s.rows_written == 0) {
    add([](State* n) { n->row = Row::kAlive, n->rows_written++; });
  }
  const bool takes = s.slot == Slot::kFree || (s.slot == Slot::kLinked && s.has_other);
  if (s.row == Row::kAlive && !s.has_tid && takes) {
    add([](State* n) { n->slot = Slot::kLinked, n->has_tid = true, n->killed = false; });
  }
  return all;
}

bool HidesLiving(const State& s) { return s.row == Row::kAlive && s.has_tid && s.killed; }

bool Breaks(const Guards& guards, bool has_other) {
  State first;
  first.has_other = has_other;
  Explorer<State> explorer([&](const State& s) { return Next(s, guards); });
  const bool breaks = explorer.Reaches(first, HidesLiving);
  if (!breaks) REQUIRE(explorer.n_states() > 15);
  return breaks;
}

TEST_CASE("killed TIDs: no order of steps hides a row that lives", "[model]") {
  REQUIRE_FALSE(Breaks(Guards{}, false));
  REQUIRE_FALSE(Breaks(Guards{}, true));
}

TEST_CASE("killed TIDs: each guard is needed", "[model]") {
  Guards guards;
  guards.version_when_marked = false;
  REQUIRE(Breaks(guards, false));
  REQUIRE(Breaks(guards, true));
  // Where the element stays, nothing else counts the removal.
  guards = Guards{};
  guards.version_of_removal = false;
  REQUIRE(Breaks(guards, true));
  guards = Guards{};
  guards.index_before_heap = false;
  REQUIRE(Breaks(guards, false));
}

}  // namespace
}  // namespace hnswpg
