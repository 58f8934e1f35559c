#include "hnswpg/storage/page/page.h"

#include "hnswpg/core/format/element.h"

namespace hnswpg {

static_assert(sizeof(TidEntry) == sizeof(ItemPointerData) + sizeof(uint16_t));

namespace {

const PageTrailer* Trailer(const char* page) {
  return reinterpret_cast<const PageTrailer*>(page + kContentEnd);
}

}  // namespace

void InitPage(Page page, PageKind kind) {
  PageInit(page, BLCKSZ, sizeof(PageTrailer));
  PageTrailer* trailer = reinterpret_cast<PageTrailer*>(PageGetSpecialPointer(page));
  trailer->unused = 0;
  trailer->kind = static_cast<uint16_t>(kind);
  trailer->page_id = kPageId;
}

void ExtendContent(Page page, uint32_t end) {
  PageHeader header = reinterpret_cast<PageHeader>(page);
  if (header->pd_lower < end) header->pd_lower = end;
}

bool PageIsOfKind(const char* page, PageKind kind) {
  const PageHeaderData* header = reinterpret_cast<const PageHeaderData*>(page);
  return header->pd_special == kContentEnd && header->pd_upper == kContentEnd &&
         header->pd_lower >= kPageHeaderBytes && header->pd_lower <= kContentEnd &&
         Trailer(page)->page_id == kPageId && Trailer(page)->kind == static_cast<uint16_t>(kind);
}

void CheckPage(Relation rel, Page page, BlockNumber block, PageKind kind) {
  if (PageIsOfKind(page, kind)) return;
  ReportDamage(rel, block, kNoId,
               PageIsNew(page) ? "the page is empty" : "not a page of the kind that belongs here");
}

void ReportDamage(Relation rel, BlockNumber block, ElementId id, const char* what) {
  if (id == kNoId) {
    ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED),
                    errmsg("index \"%s\" is damaged at block %u: %s", RelationGetRelationName(rel),
                           block, what),
                    errhint("REINDEX it.")));
  }
  ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED),
                  errmsg("index \"%s\" is damaged at block %u, element %u: %s",
                         RelationGetRelationName(rel), block, id, what),
                  errhint("REINDEX it.")));
  pg_unreachable();
}

}  // namespace hnswpg
