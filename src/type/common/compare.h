// The order of values, for =, <, ORDER BY, DISTINCT and btree: element by
// element, and a value before those that begin with it. It is the order of
// arrays and says nothing about nearness. 0 equals -0.
#ifndef TYPE_COMMON_COMPARE_H_
#define TYPE_COMMON_COMPARE_H_

#include "hnswpg/type/common/dense.h"

#include <algorithm>

namespace hnswpg {

// Negative, zero or positive: `a` against `b`.
template <class E>
int Compare(const Dense<E>* a, const Dense<E>* b) {
  const int common = std::min(a->dim, b->dim);
  for (int i = 0; i < common; i++) {
    const float x = Kind<E>::Wide(a->x[i]), y = Kind<E>::Wide(b->x[i]);
    if (x != y) return x < y ? -1 : 1;
  }
  return (a->dim > b->dim) - (a->dim < b->dim);
}

// The first argument against the second. Leaves no detoasted copies behind: a
// sort or an index build compares many times in one memory context.
template <class E>
int CompareArguments(FunctionCallInfo fcinfo) {
  Dense<E>* a = GetArg<E>(fcinfo, 0);
  Dense<E>* b = GetArg<E>(fcinfo, 1);
  const int result = Compare(a, b);
  PG_FREE_IF_COPY(a, 0);
  PG_FREE_IF_COPY(b, 1);
  return result;
}

}  // namespace hnswpg

#endif  // TYPE_COMMON_COMPARE_H_
