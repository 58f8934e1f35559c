// A neighbour list's bytes, in a slot and on an upper page.
#include "hnswpg/core/format/link_slot.h"

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <vector>

using namespace hnswpg;

namespace {

constexpr int kM = 3;

struct Slot {
  ElementLayout layout{Footprint{8, 0, 0}, kM};
  std::vector<uint32_t> words = std::vector<uint32_t>(layout.slot_bytes() / 4, 0xABABABABu);
  char* bytes() { return reinterpret_cast<char*>(words.data()); }
  std::vector<ElementId> links() {
    const ElementId* begin = LinksAt(bytes(), layout);
    return {begin, begin + TailAt(bytes(), layout)->n_links};
  }
};

}  // namespace

TEST_CASE("a list is set, grows and shrinks", "[link_slot]") {
  Slot slot;
  LinkSlot list(slot.bytes(), slot.layout);
  list.Clear();
  CHECK(slot.links().empty());
  CHECK_FALSE(list.Has(7));
  const ElementId ids[] = {7, 3, 9};
  list.Set(ids, 3);
  CHECK(slot.links() == std::vector<ElementId>{7, 3, 9});
  CHECK(list.Has(9));
  list.Append(4);
  list.Append(5);
  CHECK_FALSE(list.is_full());
  list.Append(6);
  CHECK(list.is_full());
  list.DropLast();
  CHECK(slot.links() == std::vector<ElementId>{7, 3, 9, 4, 5});
  CHECK_FALSE(list.Has(6));
}

TEST_CASE("a link is replaced in its place, and never there twice", "[link_slot]") {
  Slot slot;
  LinkSlot list(slot.bytes(), slot.layout);
  const ElementId ids[] = {7, 3, 9};
  list.Set(ids, 3);
  list.Replace(3, 5);
  CHECK(slot.links() == std::vector<ElementId>{7, 5, 9});
  list.Replace(5, 9);
  CHECK(slot.links() == std::vector<ElementId>{7, 5, 9});
}

TEST_CASE("nothing but the list is written", "[link_slot]") {
  Slot slot;
  const std::vector<uint32_t> before = slot.words;
  const ElementId ids[] = {1, 2, 3, 4, 5, 6};
  LinkSlot(slot.bytes(), slot.layout).Set(ids, 6);
  const size_t links = slot.layout.links_offset() / 4;
  for (size_t i = 0; i < before.size(); i++) {
    if (i >= links && i < links + 6) continue;
    const size_t count = (slot.layout.tail_offset() + offsetof(ElementTail, n_links)) / 4;
    if (i != count) CHECK(slot.words[i] == before[i]);
  }
}

TEST_CASE("the list of an upper level", "[link_slot]") {
  const ElementLayout layout(Footprint{8, 0, 0}, kM);
  std::vector<uint32_t> words(layout.upper_bytes() / 4);
  UpperHead* head = UpperAt(reinterpret_cast<char*>(words.data()), 0);
  *head = UpperHead{12, kNoId, 0, 1, 0};
  LinkSlot list(head, layout);
  const ElementId ids[] = {1, 2};
  list.Set(ids, 2);
  CHECK(head->n_links == 2);
  CHECK_FALSE(list.is_full());
  list.Append(8);
  CHECK(list.is_full());
  CHECK(UpperLinks(head)[2] == 8);
  CHECK(head->owner == 12);
  list.Clear();
  CHECK(head->n_links == 0);
}
