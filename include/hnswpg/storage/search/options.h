// What a search is told: plain values, which its caller takes from settings.
#ifndef HNSWPG_STORAGE_SEARCH_OPTIONS_H_
#define HNSWPG_STORAGE_SEARCH_OPTIONS_H_

#include <cstddef>

namespace hnswpg {

// Whether a search goes on when more rows are wanted than its first round has found.
enum class FurtherRounds {
  kNone,     // no more rows than that
  kRelaxed,  // a row that is found late comes late
  kStrict,   // a row that is found late is lost, so that the order is that of the distances
};

struct SearchOptions {
  size_t ef_search;  // candidates of the first round
  FurtherRounds further_rounds;
  // Elements measured after which no round begins and no walk goes on. The first round is
  // walked to its end in any case.
  size_t max_measured;
  // Bytes of memory that the search has taken after which no walk goes on.
  size_t max_memory;
  // Leaves out rows that were dead to every transaction when a scan met them. Not in a
  // transaction that began in recovery: its snapshot may need them.
  bool skip_killed;
};

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_SEARCH_OPTIONS_H_
