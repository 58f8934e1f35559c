// What differs between the server's major versions. No other file asks for
// PG_VERSION_NUM.
#ifndef HNSWPG_POSTGRES_COMPAT_H_
#define HNSWPG_POSTGRES_COMPAT_H_

#include "hnswpg/postgres/server.h"

#if PG_VERSION_NUM < 150000
#error "hnswpg needs PostgreSQL 15 or newer"
#endif

extern "C" {
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "commands/vacuum.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
}

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

// ---- empty pages at the end, until the relation has `blocks` (16 adds many at once) ----
inline void ExtendTo(Relation rel, BlockNumber blocks) {
#if PG_VERSION_NUM >= 160000
  ReleaseBuffer(ExtendBufferedRelTo(BMR_REL(rel), MAIN_FORKNUM, nullptr, 0, blocks, RBM_NORMAL));
#else
  LockRelationForExtension(rel, ExclusiveLock);
  while (RelationGetNumberOfBlocks(rel) < blocks) {
    ReleaseBuffer(ReadBufferExtended(rel, MAIN_FORKNUM, P_NEW, RBM_NORMAL, nullptr));
  }
  UnlockRelationForExtension(rel, ExclusiveLock);
#endif
}

// ---- the cost-based delay of VACUUM (18 tells ANALYZE apart) ----
inline void VacuumDelayPoint() {
#if PG_VERSION_NUM >= 180000
  vacuum_delay_point(false);
#else
  vacuum_delay_point();
#endif
}

// ---- whether VACUUM may truncate a table (18 has a setting for tables that do not say) ----
inline bool MayTruncate(Relation table) {
  const StdRdOptions* options = reinterpret_cast<const StdRdOptions*>(table->rd_options);
#if PG_VERSION_NUM >= 180000
  if (options == nullptr || !options->vacuum_truncate_set) return ::vacuum_truncate;
#endif
  return options == nullptr || options->vacuum_truncate;
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

// ---- who may maintain a table: a privilege since 17, ownership before ----
inline AclResult MaintainCheck(Oid table, Oid role) {
#if PG_VERSION_NUM >= 170000
  return pg_class_aclcheck(table, role, ACL_MAINTAIN);
#elif PG_VERSION_NUM >= 160000
  return object_ownercheck(RelationRelationId, table, role) ? ACLCHECK_OK : ACLCHECK_NOT_OWNER;
#else
  return pg_class_ownercheck(table, role) ? ACLCHECK_OK : ACLCHECK_NOT_OWNER;
#endif
}

// ---- old_snapshot_threshold (gone in 17) ----
inline bool PrunesEarly(Relation table) {
#if PG_VERSION_NUM >= 170000
  (void)table;
  return false;
#else
  return EarlyPruningEnabled(table);
#endif
}

// ---- which subtransactions gave a relation its file (16 renamed that) ----
inline void AssumeNewFile(Relation rel) {
#if PG_VERSION_NUM >= 160000
  RelationAssumeNewRelfilelocator(rel);
#else
  RelationAssumeNewRelfilenode(rel);
#endif
}
inline void CopyFileHistory(Relation from, Relation to) {
  to->rd_createSubid = from->rd_createSubid;
#if PG_VERSION_NUM >= 160000
  to->rd_newRelfilelocatorSubid = from->rd_newRelfilelocatorSubid;
  to->rd_firstRelfilelocatorSubid = from->rd_firstRelfilelocatorSubid;
#else
  to->rd_newRelfilenodeSubid = from->rd_newRelfilenodeSubid;
  to->rd_firstRelfilenodeSubid = from->rd_firstRelfilenodeSubid;
#endif
}

}  // namespace compat
}  // namespace hnswpg

#endif  // HNSWPG_POSTGRES_COMPAT_H_
