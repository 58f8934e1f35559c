// The order of vectors, for =, <, ORDER BY, DISTINCT and btree: element by
// element, and a vector before those that begin with it. It is the order of
// arrays and says nothing about nearness. 0 equals -0.
#include "hnswpg/type/vector/vector.h"

#include <algorithm>

using namespace hnswpg;

namespace {

// Negative, zero or positive: `a` against `b`.
int Compare(const Vector* a, const Vector* b) {
  const int common = std::min(a->dim, b->dim);
  for (int i = 0; i < common; i++)
    if (a->x[i] != b->x[i]) return a->x[i] < b->x[i] ? -1 : 1;
  return (a->dim > b->dim) - (a->dim < b->dim);
}

// The first argument against the second. Leaves no detoasted copies behind: a
// sort or an index build compares many times in one memory context.
int CompareArguments(FunctionCallInfo fcinfo) {
  Vector* a = PG_GETARG_VECTOR_P(0);
  Vector* b = PG_GETARG_VECTOR_P(1);
  const int result = Compare(a, b);
  PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  return result;
}

}  // namespace

HNSWPG_FUNCTION(vector_lt)(PG_FUNCTION_ARGS) { PG_RETURN_BOOL(CompareArguments(fcinfo) < 0); }
HNSWPG_FUNCTION(vector_le)(PG_FUNCTION_ARGS) { PG_RETURN_BOOL(CompareArguments(fcinfo) <= 0); }
HNSWPG_FUNCTION(vector_eq)(PG_FUNCTION_ARGS) { PG_RETURN_BOOL(CompareArguments(fcinfo) == 0); }
HNSWPG_FUNCTION(vector_ne)(PG_FUNCTION_ARGS) { PG_RETURN_BOOL(CompareArguments(fcinfo) != 0); }
HNSWPG_FUNCTION(vector_ge)(PG_FUNCTION_ARGS) { PG_RETURN_BOOL(CompareArguments(fcinfo) >= 0); }
HNSWPG_FUNCTION(vector_gt)(PG_FUNCTION_ARGS) { PG_RETURN_BOOL(CompareArguments(fcinfo) > 0); }
HNSWPG_FUNCTION(vector_cmp)(PG_FUNCTION_ARGS) { PG_RETURN_INT32(CompareArguments(fcinfo)); }
