// What differs between the server's major versions. No other file asks for
// PG_VERSION_NUM.
#ifndef HNSWPG_STORAGE_COMPAT_H_
#define HNSWPG_STORAGE_COMPAT_H_

#include "hnswpg/storage/server.h"

#if PG_VERSION_NUM < 150000
#error "hnswpg needs PostgreSQL 15 or newer"
#endif

#if PG_VERSION_NUM >= 170000
extern "C" {
#include "utils/guc.h"
}
#endif

namespace hnswpg {
namespace compat {

// ---- the name of a relation's file (16 renamed it) ----
#if PG_VERSION_NUM >= 160000
using FileLocator = RelFileLocator;
inline const FileLocator& LocatorOf(Relation rel) { return rel->rd_locator; }
inline uint32 FileNumberOf(Relation rel) { return rel->rd_locator.relNumber; }
inline BufferTag TagOf(Relation rel, BlockNumber block) {
  BufferTag tag;
  InitBufferTag(&tag, &rel->rd_locator, MAIN_FORKNUM, block);
  return tag;
}
inline bool TagsEqual(const BufferTag& a, const BufferTag& b) { return BufferTagsEqual(&a, &b); }
#else
using FileLocator = RelFileNode;
inline const FileLocator& LocatorOf(Relation rel) { return rel->rd_node; }
inline uint32 FileNumberOf(Relation rel) { return rel->rd_node.relNode; }
inline BufferTag TagOf(Relation rel, BlockNumber block) {
  BufferTag tag;
  INIT_BUFFERTAG(tag, rel->rd_node, MAIN_FORKNUM, block);
  return tag;
}
inline bool TagsEqual(const BufferTag& a, const BufferTag& b) { return BUFFERTAGS_EQUAL(a, b); }
#endif

// ---- the cost-based delay of VACUUM (18 tells ANALYZE apart) ----
inline void VacuumDelayPoint() {
#if PG_VERSION_NUM >= 180000
  vacuum_delay_point(false);
#else
  vacuum_delay_point();
#endif
}

// ---- a path that must never be taken (18 looks at more than the cost) ----
inline void DisablePath(Path* path) {
#if PG_VERSION_NUM >= 180000
  path->disabled_nodes = 2;
#else
  (void)path;
#endif
}

// ---- the search path of functions that maintenance calls (17 makes it safe) ----
inline void RestrictSearchPath() {
#if PG_VERSION_NUM >= 170000
  ::RestrictSearchPath();
#endif
}

}  // namespace compat
}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_COMPAT_H_
