// A walk that misses an element because cleanup moved it is done again
// (src/storage/cleanup/README.md). Two elements change places in the tree of parents while a walk
// goes down it, and the walk reads one list after another, without locks. The metapage counts such
// changes, before and after: the record of the change itself has no room for the metapage.
#include <catch2/catch_test_macros.hpp>
#include <compare>

#include "hnswpg/core/format/metapage.h"
#include "model/explore.h"

namespace hnswpg {
namespace {

// The root's list holds the parent, and the parent's the child; afterwards it is the child that the
// root's list holds, and the parent is in the child's. The three pages change one by one for
// those who read without locks, in whatever order.
struct State {
  uint32_t count = 0;
  int8_t cleanup_at = 0;  // 0: before; 1: counted; 2: all changed; 3: counted again
  bool root_changed = false, parent_changed = false, child_changed = false;
  // The walk.
  int8_t at = 0;  // lists read; kEnd: done
  uint32_t count_then = 0;
  bool met_parent = false, met_child = false;
  bool read_parent = false, read_child = false;
  bool again = false;
  auto operator<=>(const State&) const = default;
};

struct Guards {
  bool counts_before = true;
  bool counts_after = true;
  bool odd_is_seen = true;  // a walk that began while they changed places does not count
};

constexpr int8_t kBegun = 1, kReadRoot = 2, kEnd = 3;

void ReadParent(State* s) {
  s->read_parent = true;
  if (!s->parent_changed) s->met_child = true;
}

void ReadChild(State* s) {
  s->read_child = true;
  if (s->child_changed) s->met_parent = true;
}

std::vector<State> Next(const State& s, const Guards& guards) {
  std::vector<State> all;
  const auto add = [&](auto change) {
    State next = s;
    change(&next);
    all.push_back(next);
  };
  switch (s.at) {
    case 0:
      add([](State* n) { n->at = kBegun, n->count_then = n->count; });
      break;
    case kBegun:
      add([](State* n) {
        n->at = kReadRoot;
        (n->root_changed ? n->met_child : n->met_parent) = true;
      });
      break;
    case kReadRoot:
      if (s.met_parent && !s.read_parent) {
        add(ReadParent);
      } else if (s.met_child && !s.read_child) {
        add(ReadChild);
      } else {
        add([&](State* n) {
          n->at = kEnd;
          n->again = n->count != n->count_then;
          if (guards.odd_is_seen) n->again |= IsRerouting(n->count_then);
        });
      }
      break;
    default:
      break;
  }
  switch (s.cleanup_at) {
    case 0:
      add([&](State* n) {
        n->cleanup_at = 1, n->count = guards.counts_before ? BeginRerouting(n->count) : n->count;
      });
      break;
    case 1:
      if (!s.root_changed) add([](State* n) { n->root_changed = true; });
      if (!s.parent_changed) add([](State* n) { n->parent_changed = true; });
      if (!s.child_changed) add([](State* n) { n->child_changed = true; });
      if (s.root_changed && s.parent_changed && s.child_changed) {
        add([](State* n) { n->cleanup_at = 2; });
      }
      break;
    case 2:
      add([&](State* n) {
        n->cleanup_at = 3, n->count = guards.counts_after ? EndRerouting(n->count) : n->count;
      });
      break;
    default:
      break;
  }
  return all;
}

bool Misses(const Guards& guards) {
  Explorer<State> explorer([&](const State& s) { return Next(s, guards); });
  const bool misses = explorer.Reaches(State{}, [](const State& s) {
    return s.at == kEnd && !s.again && !(s.met_parent && s.met_child);
  });
  if (!misses) REQUIRE(explorer.n_states() > 50);
  return misses;
}

TEST_CASE("reroutings: a walk that missed an element is done again", "[model]") {
  REQUIRE_FALSE(Misses(Guards{}));
}

TEST_CASE("reroutings: each guard is needed", "[model]") {
  REQUIRE(Misses({false, true, true}));
  REQUIRE(Misses({true, false, false}));
  REQUIRE(Misses({true, true, false}));
}

}  // namespace
}  // namespace hnswpg
