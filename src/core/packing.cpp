#include "hnswpg/core/packing.h"

#include <algorithm>

namespace hnswpg {
namespace {

constexpr uint32_t kCancelInterval = 256;

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

class Packer {
 public:
  Packer(const LinkLists& graph, const ElementLayout& layout, std::vector<uint32_t>* order)
      : graph_(graph),
        layout_(layout),
        max_links_(static_cast<size_t>(layout.max_links(0))),
        order_(*order),
        standing_(graph.size(), kUnseen),
        candidates_(std::min<size_t>(graph.size(), kMaxCandidates)),
        counts_(candidates_.size() + kLanes, 0),
        asked_(graph.size(), 0) {
    order_.clear();
    order_.reserve(graph.size());
    open_.reserve(graph.size());
  }

  bool Run(uint32_t first, bool (*cancelled)(void*), void* arg);

 private:
  uint32_t size() const { return static_cast<uint32_t>(standing_.size()); }
  uint32_t placed() const { return static_cast<uint32_t>(order_.size()); }
  void FillPage(uint32_t seed, uint32_t end);
  void Place(uint32_t element);
  void CountLists(uint32_t element);
  void CountLinks(uint32_t element);
  uint32_t TakeBest();
  uint32_t NextSeed();
  void ClearPage(uint32_t begin);

  std::span<const uint32_t> Links(uint32_t element) const {
    std::span<const uint32_t> links = graph_.Links(element);
    return links.first(std::min(links.size(), max_links_));
  }

  const LinkLists& graph_;
  const ElementLayout& layout_;
  const size_t max_links_;
  std::vector<uint32_t>& order_;
  std::vector<uint32_t> standing_;
  // Of the page being filled: who may be next, in how many of the page's lists each of them is,
  // and whose lists have been counted.
  std::vector<uint32_t> candidates_;
  std::vector<uint16_t> counts_;
  size_t n_candidates_ = 0;
  std::vector<uint8_t> asked_;  // by element
  std::vector<uint32_t> asked_list_;
  // The elements of earlier pages, but for those that were found to lead to placed ones alone.
  std::vector<uint32_t> open_;
  uint32_t scanned_ = 0;  // elements before it are placed
};

bool Packer::Run(uint32_t first, bool (*cancelled)(void*), void* arg) {
  uint32_t seed = first;
  uint32_t ask_at = 0;
  while (placed() < size()) {
    if (cancelled != nullptr && placed() >= ask_at) {
      if (cancelled(arg)) return false;
      ask_at = placed() + kCancelInterval;
    }
    const uint32_t begin = placed();
    const uint32_t on_page = layout_.ElementsOn(layout_.SlotBlock(begin));
    FillPage(seed, begin + std::min(on_page, size() - begin));
    if (placed() == size()) break;
    seed = NextSeed();
    ClearPage(begin);
  }
  return true;
}

// Fills the page that ends before place `end`.
void Packer::FillPage(uint32_t seed, uint32_t end) {
  Place(seed);
  while (placed() < end) {
    CountLists(order_.back());
    Place(NextSeed());
  }
  CountLinks(order_.back());
}

void Packer::Place(uint32_t element) {
  standing_[element] = kPlaced;
  order_.push_back(element);
}

// Takes the lists that a newly placed element brings with it into account.
void Packer::CountLists(uint32_t element) {
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

void Packer::CountLinks(uint32_t element) {
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
uint32_t Packer::TakeBest() {
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
// leads to.
uint32_t Packer::NextSeed() {
  if (n_candidates_ > 0) return TakeBest();
  for (; !open_.empty(); open_.pop_back()) {
    for (uint32_t to : Links(open_.back())) {
      if (standing_[to] != kPlaced) return to;
    }
  }
  while (standing_[scanned_] == kPlaced) scanned_++;
  return scanned_;
}

// Forgets the page whose first place is `begin`.
void Packer::ClearPage(uint32_t begin) {
  for (size_t i = 0; i < n_candidates_; i++) standing_[candidates_[i]] = kUnseen;
  std::fill(counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(n_candidates_), 0);
  n_candidates_ = 0;
  for (uint32_t asked : asked_list_) asked_[asked] = 0;
  asked_list_.clear();
  open_.insert(open_.end(), order_.begin() + begin, order_.end());
}

}  // namespace

bool PackGraph(const LinkLists& graph, uint32_t first, const ElementLayout& layout,
               bool (*cancelled)(void*), void* arg, std::vector<uint32_t>* order) {
  return Packer(graph, layout, order).Run(first, cancelled, arg);
}

size_t PackingBytes(size_t n) {
  const size_t candidates = std::min(n, kMaxCandidates);
  return n * (3 * sizeof(uint32_t) + 1) + candidates * (sizeof(uint32_t) + sizeof(uint16_t)) +
         2 * kLanes * sizeof(uint16_t) + kPageBytes / 64 * kPackedSteps * sizeof(uint32_t);
}

}  // namespace hnswpg
