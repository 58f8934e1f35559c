// A row whose element is pending when a scan begins is found, whatever linking does meanwhile
// (src/storage/search/README.md, "What a scan may return"). The element may be linked where
// it is; or it is equal to another one, gets merged into that, and its slot is freed and used
// for another element.
#include <catch2/catch_test_macros.hpp>
#include <compare>

#include "model/explore.h"

namespace hnswpg {
namespace {

enum class Slot : int8_t { kPending, kLinked, kFree };
constexpr int8_t kMostRounds = 3;

// The row that is looked for is in `slot` or, once that was merged, in its equal element,
// which is linked and which the walk finds, or misses.
struct State {
  Slot slot = Slot::kPending;
  bool holds_row = true;  // the slot; else another element's life of it
  bool on_list = true;
  bool equal_has_row = false;
  int8_t version = 0;
  int8_t lives = 0;
  // The scan.
  int8_t at = 0;
  bool was_pending = false;
  bool row_was = false;  // it was the row's element then
  int8_t version_then = 0;
  bool found_slot = false;   // it is a finalist
  bool found_equal = false;  // so is the equal element
  bool misses = false;
  bool has_row = false;
  int8_t rounds = 0;
  auto operator<=>(const State&) const = default;
};

struct Guards {
  bool list_before_walk = true;
  bool version_compared = true;  // of what was pending, when it is read
  bool pending_first = true;     // what was pending is read before what is equal
  bool freed_counts = true;      // a slot that is freed has another version
};

struct World {
  bool walk_finds_equal;
  bool merges;
};

using Steps = std::vector<State>;

void ReadList(State* s) {
  s->was_pending = s->on_list;
  s->row_was = s->on_list && s->holds_row;
  s->version_then = s->version;
  if (s->on_list) s->found_slot = true;
}

void Walk(State* s, const World& world) {
  if (s->slot == Slot::kLinked) s->found_slot = true;
  s->found_equal = world.walk_finds_equal;
}

void ReadSlot(State* s, const Guards& guards) {
  if (!s->found_slot) return;
  const bool read = s->slot != Slot::kFree;
  if (read && s->holds_row) s->has_row = true;
  if (!s->was_pending || !guards.version_compared) return;
  s->misses |= !read || s->version != s->version_then;
}

void ReadEqual(State* s) {
  if (s->found_equal && s->equal_has_row) s->has_row = true;
}

// After the last reading: done, or all anew.
void End(State* s) {
  if (!s->misses || s->rounds == kMostRounds) return;
  s->rounds++;
  s->at = 0;
  s->found_slot = s->found_equal = s->was_pending = s->row_was = s->misses = false;
}

constexpr int8_t kEnd = 4;

Steps Next(const State& s, const Guards& guards, const World& world) {
  Steps all;
  const auto add = [&](auto change) {
    State next = s;
    change(&next);
    all.push_back(next);
  };
  // The scan.
  if (s.at < kEnd) {
    add([&](State* n) {
      const bool list = (n->at == 0) == guards.list_before_walk;
      const bool slot = (n->at == 2) == guards.pending_first;
      if (n->at < 2) {
        list ? ReadList(n) : Walk(n, world);
      } else {
        slot ? ReadSlot(n, guards) : ReadEqual(n);
      }
      if (++n->at == kEnd) End(n);
    });
  }
  // Linking.
  if (s.slot == Slot::kPending && s.holds_row && !world.merges) {
    add([](State* n) { n->slot = Slot::kLinked, n->on_list = false; });
  }
  if (s.slot == Slot::kPending && s.holds_row && world.merges) {
    add([&](State* n) {
      n->slot = Slot::kFree;
      n->on_list = n->holds_row = false;
      n->equal_has_row = true;
      n->version += guards.freed_counts ? 1 : 0;
    });
  }
  // Others write another element into the slot, and that is linked too.
  if (s.slot == Slot::kFree && s.lives < 2) {
    add([](State* n) { n->slot = Slot::kPending, n->on_list = true, n->lives++; });
  }
  if (s.slot == Slot::kPending && !s.holds_row) {
    add([](State* n) { n->slot = Slot::kLinked, n->on_list = false; });
  }
  return all;
}

bool Loses(const Guards& guards, const World& world) {
  Explorer<State> explorer([&](const State& s) { return Next(s, guards, world); });
  const bool loses = explorer.Reaches(State{}, [](const State& s) {
    // It goes on beginning anew as long as something is missed, and others have an end.
    return s.at == kEnd && !s.has_row && !s.misses;
  });
  if (!loses) REQUIRE(explorer.n_states() > 5);
  return loses;
}

TEST_CASE("pending rows: no order of steps loses one", "[model]") {
  REQUIRE_FALSE(Loses(Guards{}, {false, false}));
  REQUIRE_FALSE(Loses(Guards{}, {true, false}));
  REQUIRE_FALSE(Loses(Guards{}, {true, true}));
}

// Where the walk does not find the equal element, nor does the next one, perhaps. But a row that
// was pending has not gone unnoticed: the scan begins anew.
bool GoesUnnoticed(const Guards& guards) {
  Explorer<State> explorer([&](const State& s) { return Next(s, guards, {false, true}); });
  return explorer.Reaches(State{}, [](const State& s) {
    return s.at == kEnd && !s.has_row && !s.misses && s.rounds == 0 && s.row_was;
  });
}

TEST_CASE("pending rows: that one has moved is always noticed", "[model]") {
  REQUIRE_FALSE(GoesUnnoticed(Guards{}));
}

TEST_CASE("pending rows: each guard is needed", "[model]") {
  Guards guards;
  guards.list_before_walk = false;
  REQUIRE(Loses(guards, {true, false}));
  guards = Guards{};
  guards.version_compared = false;
  guards.pending_first = false;
  REQUIRE(Loses(guards, {true, true}));
  guards = Guards{};
  guards.version_compared = false;
  REQUIRE(GoesUnnoticed(guards));
  guards = Guards{};
  guards.freed_counts = false;
  REQUIRE(GoesUnnoticed(guards));
}

}  // namespace
}  // namespace hnswpg
