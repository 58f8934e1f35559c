#include "core/build/packing.h"

#include <algorithm>

namespace hnswpg {
namespace {

// Room for so many elements is made in a step: the system hands memory out page by page.
constexpr size_t kStepElements = 1 << 18;

// Where an element stands; else its position among the candidates.
constexpr uint32_t kUnseen = 0xFFFFFFFF;
constexpr uint32_t kPlaced = 0xFFFFFFFE;

// Counts are looked through so many at a time, in loops of fixed length, which compilers make
// vector instructions of.
constexpr size_t kLanes = 32;

// A page's slots hold 2 m links each, so a page has room for some 2,000 links, and each slot brings
// kPackedSteps more lists of that length.
constexpr size_t kMaxCandidates = kPageBytes / sizeof(uint32_t) * (1 + kPackedSteps);

// The first of the greatest of `n` counts, none of which is 0; 0 are those behind them, up to a
// multiple of kLanes.
size_t PositionOfMost(const uint16_t* counts, size_t n) {
  uint16_t most[kLanes] = {};
  for (size_t i = 0; i < n; i += kLanes) {
    for (size_t j = 0; j < kLanes; j++) most[j] = std::max(most[j], counts[i + j]);
  }
  const uint16_t greatest = *std::max_element(most, most + kLanes);
  for (size_t i = 0;; i += kLanes) {
    uint16_t found = 0;
    for (size_t j = 0; j < kLanes; j++) found |= counts[i + j] == greatest ? 1 : 0;
    if (found) return static_cast<size_t>(std::find(counts + i, counts + n, greatest) - counts);
  }
}

}  // namespace

Packing::Packing(const GraphView* graph, uint32_t first, const ElementLayout& layout)
    : graph_(*graph),
      layout_(layout),
      max_links_(static_cast<size_t>(layout.max_links(0))),
      first_(first),
      candidates_(std::min<size_t>(size(), kMaxCandidates)),
      counts_(candidates_.size() + kLanes, 0) {
  order_.reserve(size());
  standing_.reserve(size());
  asked_.reserve(size());
  open_.reserve(size());
}

// True when all the elements have theirs.
bool Packing::MakeRoom() {
  if (standing_.size() == size()) return true;
  const size_t n = std::min<size_t>(size(), standing_.size() + kStepElements);
  standing_.resize(n, kUnseen);
  asked_.resize(n, 0);
  return false;
}

bool Packing::Step() {
  if (!MakeRoom()) return false;
  for (lists_ = 0; lists_ < kPackStepLists;) {
    if (placed() == size()) return true;
    uint32_t next = first_;
    if (placed() > 0 && !FindNext(&next)) return false;
    if (placed() == page_end_) BeginPage();
    Place(next);
    if (placed() < page_end_) {
      CountLists(next);
    } else {
      CountLinks(next);
    }
  }
  return placed() == size();
}

// The first page of all, or the page behind the one that is full.
void Packing::BeginPage() {
  if (placed() > 0) ClearPage();
  page_begin_ = placed();
  const uint32_t on_page = layout_.ElementsOn(layout_.SlotBlock(page_begin_));
  page_end_ = page_begin_ + std::min(on_page, size() - page_begin_);
}

std::span<const uint32_t> Packing::Links(uint32_t element) const {
  std::span<const uint32_t> links = graph_.Links(element);
  return links.first(std::min(links.size(), max_links_));
}

void Packing::Place(uint32_t element) {
  standing_[element] = kPlaced;
  order_.push_back(element);
}

// Takes the lists that a newly placed element brings with it into account.
void Packing::CountLists(uint32_t element) {
  std::span<const uint32_t> links = Links(element);
  uint32_t ask[kPackedSteps];
  size_t n = 0;
  for (uint32_t near : links.first(std::min(links.size(), kPackedSteps))) {
    if (asked_[near]) continue;
    asked_[near] = 1;
    graph_.Prefetch(near);
    ask[n++] = near;
  }
  asked_list_.insert(asked_list_.end(), ask, ask + n);
  CountLinks(element);
  for (size_t i = 0; i < n; i++) CountLinks(ask[i]);
}

void Packing::CountLinks(uint32_t element) {
  lists_++;
  uint32_t* standing = standing_.data();
  uint16_t* counts = counts_.data();
  for (uint32_t to : Links(element)) {
    uint32_t at = standing[to];
    if (at == kPlaced) continue;
    if (at == kUnseen) {
      at = standing[to] = static_cast<uint32_t>(n_candidates_);
      candidates_[n_candidates_++] = to;
    }
    counts[at]++;
  }
}

// Takes the best candidate; there is one.
uint32_t Packing::TakeBest() {
  const size_t at = PositionOfMost(counts_.data(), n_candidates_);
  const uint32_t best = candidates_[at];
  const size_t last = --n_candidates_;
  standing_[candidates_[last]] = static_cast<uint32_t>(at);
  candidates_[at] = candidates_[last];
  counts_[at] = counts_[last];
  counts_[last] = 0;
  standing_[best] = kUnseen;
  return best;
}

// The best candidate; else a neighbour of what was placed last; else an element that nothing placed
// leads to. False if that takes more than the step's share.
bool Packing::FindNext(uint32_t* element) {
  if (n_candidates_ > 0) {
    *element = TakeBest();
    return true;
  }
  for (; !open_.empty(); open_.pop_back()) {
    if (++lists_ >= kPackStepLists) return false;
    for (uint32_t to : Links(open_.back())) {
      if (standing_[to] == kPlaced) continue;
      *element = to;
      return true;
    }
  }
  for (; standing_[scanned_] == kPlaced; scanned_++) {
    if (++lists_ >= kPackStepLists) return false;
  }
  *element = scanned_;
  return true;
}

// Forgets the page that is full.
void Packing::ClearPage() {
  for (size_t i = 0; i < n_candidates_; i++) standing_[candidates_[i]] = kUnseen;
  std::fill(counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(n_candidates_), 0);
  n_candidates_ = 0;
  for (uint32_t asked : asked_list_) asked_[asked] = 0;
  asked_list_.clear();
  open_.insert(open_.end(), order_.begin() + page_begin_, order_.end());
}

size_t PackingBytes(size_t n) {
  const size_t candidates = std::min(n, kMaxCandidates);
  return n * (3 * sizeof(uint32_t) + 1) + candidates * (sizeof(uint32_t) + sizeof(uint16_t)) +
         2 * kLanes * sizeof(uint16_t) + kPageBytes / 64 * kPackedSteps * sizeof(uint32_t);
}

}  // namespace hnswpg
