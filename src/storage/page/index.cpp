// The metapage, the file's length and the memory of the walk.
#include "hnswpg/storage/page/index.h"

extern "C" {
#include "miscadmin.h"
}

#include <algorithm>

#include "hnswpg/postgres/compat.h"
#include "hnswpg/storage/page/buffers.h"
#include "hnswpg/storage/page/code_book.h"
#include "hnswpg/storage/page/pending.h"

namespace hnswpg {
namespace {

// Pages that the file grows by beyond what is needed, since many at a time cost less: a part of the
// file that no table notices, and less than VACUUM would give back (shrink_file.cpp).
constexpr BlockNumber kAheadFraction = 32;
constexpr BlockNumber kMaxBlocksAhead = 63;

}  // namespace

namespace {

// What an element takes in the file.
Footprint FootprintOf(const IndexParameters& p) { return CodeSpace(p.kind(), p.dim).footprint(); }

}  // namespace

void InitMetaPage(Page page, const IndexParameters& parameters) {
  InitPage(page, PageKind::kMeta);
  ExtendContent(page, kPageHeaderBytes + sizeof(Meta));
  Meta* meta = MetaOf(page);
  *meta = Meta{};
  meta->magic = kMetaMagic;
  meta->version = kFormatVersion;
  meta->dim = parameters.dim;
  meta->m = parameters.m;
  meta->ef_construction = parameters.ef_construction;
  meta->representation = static_cast<uint8_t>(parameters.representation);
  meta->metric = static_cast<uint8_t>(parameters.metric);
  meta->quantization = static_cast<uint8_t>(parameters.quantization);
  meta->automatic = parameters.automatic;
  const Footprint footprint = FootprintOf(parameters);
  meta->payload_bytes = footprint.payload_bytes;
  meta->exact_bytes = footprint.exact_bytes;
  meta->book_bytes = footprint.book_bytes;
  meta->book = parameters.book;
  meta->entry = kNoId;
  meta->free_elements = kNoId;
  meta->free_uppers = kNoId;
}

namespace {

IndexParameters ParametersIn(const Meta& meta) {
  return {meta.dim,
          meta.m,
          meta.ef_construction,
          static_cast<Representation>(meta.representation),
          static_cast<Metric>(meta.metric),
          static_cast<Quantization>(meta.quantization),
          meta.automatic != 0,
          meta.book};
}

bool FootprintIsRight(const Meta& meta) {
  const Footprint stored = {meta.payload_bytes, meta.exact_bytes, meta.book_bytes};
  return stored == FootprintOf(ParametersIn(meta)) && meta.tid_bytes == 0 && meta.node_bytes == 0;
}

[[noreturn]] void ReportVersion(Relation rel, uint32_t version) {
  ereport(ERROR,
          (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
           errmsg("index \"%s\" has format version %u, but this hnswpg reads version %u",
                  RelationGetRelationName(rel), version, kFormatVersion),
           version > kFormatVersion ? errhint("Install the newer hnswpg, or REINDEX with this one.")
                                    : errhint("REINDEX the index.")));
  pg_unreachable();
}

void CheckMeta(Relation rel, const Meta& meta) {
  if (meta.magic != kMetaMagic) ReportDamage(rel, kMetaBlock, kNoId, "not a metapage");
  if (meta.version != kFormatVersion) ReportVersion(rel, meta.version);
  if (meta.features != 0) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("index \"%s\" was made by a newer hnswpg, which this one cannot read",
                           RelationGetRelationName(rel)),
                    errhint("Install the newer hnswpg, or REINDEX with this one.")));
  }
  const bool sane =
      SpaceExists(ParametersIn(meta).kind()) && meta.dim >= 1 &&
      meta.dim <= MostDimensions(ParametersIn(meta).representation) && meta.m >= kMinM &&
      meta.m <= kMaxM &&
      (meta.book == kNoBook) == (meta.quantization == 0) && meta.book <= kMaxBook &&
      FootprintIsRight(meta) && meta.next_element <= kMaxElements &&
      (meta.entry == kNoId || meta.entry < meta.next_element) && meta.entry_level <= kMaxLevel &&
      meta.first_run + meta.n_runs <= kMaxPendingRuns && meta.recoding <= Recoding::kJudging;
  if (!sane) ReportDamage(rel, kMetaBlock, kNoId, "the metapage contradicts itself");
}

// Computing it is a part of a search that one can measure, so the relation's cache entry
// keeps it, until the server drops it. Null: the metapage is not the newest any more.
const IndexShape* CachedShapeOf(Relation rel, const Meta& meta) {
  const IndexParameters p = ParametersIn(meta);
  IndexShape* cached = static_cast<IndexShape*>(rel->rd_amcache);
  if (cached && cached->parameters == p) return cached;
  const float* centre = nullptr;
  if (p.book > kOriginBook && !ReadCentre(rel, ShapeOf(p).layout, p.book, &centre)) return nullptr;
  if (rel->rd_amcache) pfree(rel->rd_amcache);
  rel->rd_amcache = nullptr;
  void* shape = MemoryContextAlloc(rel->rd_indexcxt, sizeof(IndexShape));
  rel->rd_amcache = new (shape) IndexShape(ShapeOf(p, centre));
  return static_cast<IndexShape*>(shape);
}

Meta ReadCheckedMeta(Relation rel) {
  Buffer buffer = ReadBuffer(rel, kMetaBlock);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  CheckPage(rel, BufferGetPage(buffer), kMetaBlock, PageKind::kMeta);
  const Meta meta = *MetaOf(BufferGetPage(buffer));
  UnlockReleaseBuffer(buffer);
  CheckMeta(rel, meta);
  RememberBuffer(rel, kMetaBlock, buffer);  // for PageGraph::ReadReroutings
  return meta;
}

// A book may be overwritten between the look at the metapage and the one at the book,
// when two have been learnt meanwhile. More often than so it must be damaged.
constexpr int kMaxLooks = 100;

}  // namespace

HnswIndex OpenIndex(Relation rel) {
  for (int looks = 0; looks < kMaxLooks; looks++) {
    const Meta meta = ReadCheckedMeta(rel);
    const IndexShape* shape = CachedShapeOf(rel, meta);
    if (shape != nullptr) return HnswIndex{*shape, rel, meta};
    CHECK_FOR_INTERRUPTS();
  }
  ReportDamage(rel, kMetaBlock, kNoId, "the code book is not the one that the metapage names");
}

HnswIndex OpenWithoutCentre(Relation rel) {
  const Meta meta = ReadCheckedMeta(rel);
  return HnswIndex{ShapeOf(ParametersIn(meta)), rel, meta};
}

Meta ReadMeta(const HnswIndex& index) {
  Buffer buffer = ReadBuffer(index.rel, kMetaBlock);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  const Meta meta = *MetaOf(BufferGetPage(buffer));
  UnlockReleaseBuffer(buffer);
  return meta;
}

void EnsureBlock(Relation rel, BlockNumber block) {
  const BlockNumber blocks = RelationGetNumberOfBlocks(rel);
  if (blocks > block) return;
  const BlockNumber most = block < MaxBlockNumber ? MaxBlockNumber - 1 - block : 0;
  compat::ExtendTo(rel, block + std::min({kMaxBlocksAhead, blocks / kAheadFraction, most}) + 1);
}

namespace {

void* ResizeInContext(void* context, void* old, size_t bytes) {
  if (bytes == 0) {
    pfree(old);
    return nullptr;
  }
  if (old) return repalloc_huge(old, bytes);
  return MemoryContextAllocHuge(static_cast<MemoryContext>(context), bytes);
}

}  // namespace

VisitedBits* WriterVisited() {
  static VisitedBits* visited = nullptr;
  if (visited == nullptr) {
    visited = static_cast<VisitedBits*>(MemoryContextAlloc(TopMemoryContext, sizeof(VisitedBits)));
    new (visited) VisitedBits(ContextArena(TopMemoryContext));
  }
  return visited;
}

Arena ContextArena(MemoryContext context) { return Arena{ResizeInContext, context}; }

}  // namespace hnswpg
