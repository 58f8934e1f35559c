// What is left out of plans that read an index in its order: the distance in the
// output of the rows.
//
// SELECT id FROM t ORDER BY v <-> $1 LIMIT 10: to the planner the distance is a
// column of the result, which the user does not get to see. A Sort would need it.
// An index has put the rows in order already, and still the distance is computed
// again for every row that is returned, from the row's vector, which has to be
// fetched out of line if it is a wide one. Here such a column becomes NULL.
//
// It is done to a finished path and only where nothing looks at the column:
//
//   [Limit] [LockRows] Projection  (nested loops)  a scan of one of our indexes
//
// - The column is the planner's own (resjunk), so that neither the user nor an outer
//   query nor the target of an INSERT gets it; it is not one that rows are locked by,
//   since it is the distance by which the index is read. A column that the user
//   selects too is not the planner's own.
// - Limit looks at the columns of ORDER BY only if it is to go on WITH TIES. LockRows
//   looks at the columns that say which row it is; where it finds a row changed, it has
//   the scan compute the row anew, and does not look at its place in the order.
// - Every other node above the scan is left alone, and with it every node that
//   compares: Sort, MergeAppend, Unique, WindowAgg, Gather Merge, ...
// - The index still gets the expression, as the scan's ORDER BY. So whatever evaluating
//   it does, such as raise an error for a wrong number of dimensions, it still does.
//
// The hook is called late in planning, when the index has been looked at and the
// module, therefore, has been loaded: the first statement of a session gets it too.
#include "hnswpg/am/am.h"

extern "C" {
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/planner.h"
#include "optimizer/tlist.h"
#include "utils/lsyscache.h"
}

namespace hnswpg {
namespace {

create_upper_paths_hook_type earlier_hook = nullptr;

// Versions of the server declare the member in different ways; what it points to says
// which access method it is.
bool IsOurs(const IndexOptInfo* index) {
  using Any = void (*)();
  return reinterpret_cast<Any>(index->amcostestimate) == reinterpret_cast<Any>(hnswcostestimate);
}

// The distance by which one of our indexes puts a path's rows in order; null if none
// does. A nested loop returns rows in the order of its outer side.
const Node* DistanceOf(const Path* path) {
  while (IsA(path, NestPath)) path = reinterpret_cast<const NestPath*>(path)->jpath.outerjoinpath;
  if (!IsA(path, IndexPath)) return nullptr;
  const IndexPath* scan = reinterpret_cast<const IndexPath*>(path);
  if (!IsOurs(scan->indexinfo) || list_length(scan->indexorderbys) != 1) return nullptr;
  return static_cast<const Node*>(linitial(scan->indexorderbys));
}

// Whether an expression is that distance, as it is or with its operands exchanged: the
// index has its column on the left.
bool IsDistance(const Node* expression, const Node* distance) {
  if (equal(expression, distance)) return true;
  if (!IsA(expression, OpExpr) || !IsA(distance, OpExpr)) return false;
  const OpExpr* a = reinterpret_cast<const OpExpr*>(expression);
  const OpExpr* b = reinterpret_cast<const OpExpr*>(distance);
  return list_length(a->args) == 2 && list_length(b->args) == 2 &&
         get_commutator(a->opno) == b->opno && equal(linitial(a->args), lsecond(b->args)) &&
         equal(lsecond(a->args), linitial(b->args));
}

Const* NullLike(const Node* expression) {
  return makeNullConst(exprType(expression), exprTypmod(expression), exprCollation(expression));
}

// A path's target with NULL in the place of the distance where that is the planner's
// own column; null if it is not there. `columns`: the query's, one for each of the target.
PathTarget* WithoutDistance(const PathTarget* target, const List* columns, const Node* distance) {
  // All of it is checked before: a path that does not return the query's columns is
  // not what we take it for.
  if (list_length(target->exprs) != list_length(columns)) return nullptr;
  PathTarget* result = nullptr;
  for (int i = 0; i < list_length(columns); ++i) {
    const TargetEntry* column = static_cast<const TargetEntry*>(list_nth(columns, i));
    const Node* expression = static_cast<const Node*>(list_nth(target->exprs, i));
    if (!column->resjunk || !IsDistance(expression, distance)) continue;
    if (result == nullptr) result = copy_pathtarget(const_cast<PathTarget*>(target));
    lfirst(list_nth_cell(result->exprs, i)) = NullLike(expression);
  }
  return result;
}

Path* Stripped(const PlannerInfo* root, Path* path);

template <typename P>
P* CopyOf(const P* path) {
  P* copy = static_cast<P*>(palloc(sizeof(P)));
  *copy = *path;
  return copy;
}

// For a node that passes its subpath's rows on as they are.
template <typename P>
Path* StrippedBelow(const PlannerInfo* root, const P* path) {
  Path* subpath = Stripped(root, path->subpath);
  if (subpath == nullptr) return nullptr;
  P* copy = CopyOf(path);
  copy->subpath = subpath;
  copy->path.pathtarget = subpath->pathtarget;
  return &copy->path;
}

Path* StrippedProjection(const PlannerInfo* root, const ProjectionPath* path) {
  const Node* distance = DistanceOf(path->subpath);
  if (distance == nullptr) return nullptr;
  PathTarget* target = WithoutDistance(path->path.pathtarget, root->processed_tlist, distance);
  if (target == nullptr) return nullptr;
  ProjectionPath* copy = CopyOf(path);
  copy->path.pathtarget = target;
  return &copy->path;
}

// A copy of one of a query's finished paths that returns NULL instead of a distance
// that nobody looks at; null if it returns none, or if somebody may.
Path* Stripped(const PlannerInfo* root, Path* path) {
  switch (nodeTag(path)) {
    case T_LimitPath: {
      const LimitPath* limit = reinterpret_cast<LimitPath*>(path);
      if (limit->limitOption != LIMIT_OPTION_COUNT) return nullptr;
      return StrippedBelow(root, limit);
    }
    case T_LockRowsPath:
      return StrippedBelow(root, reinterpret_cast<LockRowsPath*>(path));
    case T_ProjectionPath:
      return StrippedProjection(root, reinterpret_cast<ProjectionPath*>(path));
    default:
      return nullptr;
  }
}

void StripFinishedPaths(PlannerInfo* root, UpperRelationKind stage, RelOptInfo* input,
                        RelOptInfo* output, void* extra) {
  if (earlier_hook != nullptr) earlier_hook(root, stage, input, output, extra);
  if (stage != UPPERREL_FINAL) return;
  ListCell* cell;
  foreach (cell, output->pathlist) {
    Path* stripped = Stripped(root, static_cast<Path*>(lfirst(cell)));
    if (stripped != nullptr) lfirst(cell) = stripped;
  }
}

}  // namespace

void InstallPlanHook() {
  earlier_hook = create_upper_paths_hook;
  create_upper_paths_hook = StripFinishedPaths;
}

}  // namespace hnswpg
