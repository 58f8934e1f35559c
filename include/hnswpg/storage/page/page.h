// Pages of an index: how they begin, how they end, and how damage is reported.
#ifndef HNSWPG_STORAGE_PAGE_PAGE_H_
#define HNSWPG_STORAGE_PAGE_PAGE_H_

#include "hnswpg/core/format/layout.h"
#include "hnswpg/postgres/server.h"

namespace hnswpg {

// The special space of every page.
struct PageTrailer {
  uint32_t unused;
  uint16_t kind;     // PageKind
  uint16_t page_id;  // kPageId, the last two bytes of the page
};
static_assert(sizeof(PageTrailer) == kTrailerBytes);
static_assert(BLCKSZ == kPageBytes, "hnswpg needs a server with 8 kB pages");
static_assert(MAXALIGN(SizeOfPageHeaderData) == kPageHeaderBytes);
inline constexpr uint16_t kPageId = 0xFF91;

// Makes `page` an empty page of this kind.
void InitPage(Page page, PageKind kind);

// Says that content reaches up to `end` (an offset), so that what lies before it
// is kept in full-page images. Never shrinks.
void ExtendContent(Page page, uint32_t end);

// Whether the page is one of ours and of this kind. Looks at header and trailer
// alone.
bool PageIsOfKind(const char* page, PageKind kind);

// Raises ERRCODE_INDEX_CORRUPTED unless the page is of this kind.
void CheckPage(Relation rel, Page page, BlockNumber block, PageKind kind);

// Raises ERRCODE_INDEX_CORRUPTED, naming index, block and element (kNoId: none).
[[noreturn]] void ReportDamage(Relation rel, BlockNumber block, ElementId id, const char* what);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_PAGE_PAGE_H_
