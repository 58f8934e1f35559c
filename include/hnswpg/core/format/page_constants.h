// What a page of an index is like, whatever it holds.
#ifndef HNSWPG_CORE_FORMAT_PAGE_CONSTANTS_H_
#define HNSWPG_CORE_FORMAT_PAGE_CONSTANTS_H_

#include <cstdint>

namespace hnswpg {

// A page is the server's, with its header before our content and our trailer
// behind it. storage asserts that these agree with the server's.
inline constexpr uint32_t kPageBytes = 8192;
inline constexpr uint32_t kPageHeaderBytes = 24;
inline constexpr uint32_t kTrailerBytes = 8;
inline constexpr uint32_t kContentEnd = kPageBytes - kTrailerBytes;
// Slots are aligned to cache lines, so the first one begins here.
inline constexpr uint32_t kSlotAlign = 64;
inline constexpr uint32_t kSlotsBegin = 64;

enum class PageKind : uint16_t { kMeta = 1, kUpper = 2, kGraph = 3, kVector = 4, kBook = 5 };

}  // namespace hnswpg

#endif  // HNSWPG_CORE_FORMAT_PAGE_CONSTANTS_H_
