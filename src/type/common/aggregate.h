// avg. (sum adds with +.)
//
// The state is a double precision array: the number of values, then the sum of
// each element. {0} is the state of no values at all, which knows no number of
// dimensions yet.
#ifndef TYPE_COMMON_AGGREGATE_H_
#define TYPE_COMMON_AGGREGATE_H_

#include "hnswpg/type/common/dense.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/float.h"
}

#include <cmath>
#include <cstring>

namespace hnswpg {

// A state array, looked at as what it means.
struct AggregateState {
  float8* count;
  float8* sums;
  int dim;
};

// `array` may come from a user, who can call these functions too; `caller` is
// named in the error.
inline AggregateState GetState(ArrayType* array, const char* caller) {
  if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] < 1 || ARR_HASNULL(array) ||
      ARR_ELEMTYPE(array) != FLOAT8OID)
    ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("%s: expected a state array", caller),
                    errdetail("It is a double precision array of one dimension, with a count, then "
                              "sums, and no nulls.")));
  float8* values = reinterpret_cast<float8*>(ARR_DATA_PTR(array));
  return {values, values + 1, ARR_DIMS(array)[0] - 1};
}

// A state array of no vectors yet, all zero, in the current memory context.
inline ArrayType* NewState(const char* type, int dim) {
  CheckDim(type, dim);
  const size_t size = ARR_OVERHEAD_NONULLS(1) + (dim + 1) * sizeof(float8);
  ArrayType* array = static_cast<ArrayType*>(palloc0(size));
  SET_VARSIZE(array, size);
  array->ndim = 1;
  array->elemtype = FLOAT8OID;
  ARR_DIMS(array)[0] = dim + 1;
  ARR_LBOUND(array)[0] = 1;
  return array;
}

inline float8 Wide(float8 value) { return value; }
inline float8 Wide(float value) { return value; }
inline float8 Wide(Half value) { return Widen(value); }

template <class Number>
void AddTo(AggregateState state, float8 count, const Number* values) {
  *state.count += count;
  for (int i = 0; i < state.dim; i++) {
    state.sums[i] += Wide(values[i]);
    if (std::isinf(state.sums[i])) float_overflow_error();
  }
}

// What the result of adding to `array` is to be written to: `array` itself where
// the aggregate's executor owns it, which saves a copy for each row.
inline ArrayType* Writable(FunctionCallInfo fcinfo, ArrayType* array) {
  if (AggCheckCallContext(fcinfo, nullptr)) return array;
  ArrayType* copy = static_cast<ArrayType*>(palloc(VARSIZE(array)));
  memcpy(copy, array, VARSIZE(array));
  return copy;
}

// (state, vector)
template <class E>
Datum Accumulate(FunctionCallInfo fcinfo) {
  const char* caller = Kind<E>::kAccumulate;
  ArrayType* array = PG_GETARG_ARRAYTYPE_P(0);
  const Dense<E>* vector = GetArg<E>(fcinfo, 1);
  const AggregateState old = GetState(array, caller);
  ArrayType* result;
  if (old.dim == 0) {
    result = NewState(Kind<E>::kType, vector->dim);
    *GetState(result, caller).count = *old.count;
  } else {
    CheckExpectedDim(old.dim, vector->dim);
    result = Writable(fcinfo, array);
  }
  AddTo(GetState(result, caller), 1.0, vector->x);
  PG_RETURN_ARRAYTYPE_P(result);
}

// (state, state): of two parts of one aggregate's input.
template <class E>
Datum CombineStates(FunctionCallInfo fcinfo) {
  const char* caller = Kind<E>::kCombine;
  ArrayType* array1 = PG_GETARG_ARRAYTYPE_P(0);
  ArrayType* array2 = PG_GETARG_ARRAYTYPE_P(1);
  const AggregateState state1 = GetState(array1, caller);
  const AggregateState state2 = GetState(array2, caller);
  // A part without rows adds nothing and may not know the dimensions.
  if (*state2.count == 0.0) PG_RETURN_ARRAYTYPE_P(array1);
  if (*state1.count == 0.0) PG_RETURN_ARRAYTYPE_P(array2);
  CheckDim(Kind<E>::kType, state1.dim);
  CheckExpectedDim(state1.dim, state2.dim);
  ArrayType* result = Writable(fcinfo, array1);
  AddTo(GetState(result, caller), *state2.count, state2.sums);
  PG_RETURN_ARRAYTYPE_P(result);
}

// (state): null for no vectors.
template <class E>
Datum Average(FunctionCallInfo fcinfo) {
  const AggregateState state = GetState(PG_GETARG_ARRAYTYPE_P(0), Kind<E>::kAverage);
  if (*state.count == 0.0) PG_RETURN_NULL();
  CheckDim(Kind<E>::kType, state.dim);
  Dense<E>* result = NewDense<E>(state.dim);
  for (int i = 0; i < state.dim; i++)
    result->x[i] = Kind<E>::Of(static_cast<float>(state.sums[i] / *state.count));
  CheckFinite(result->x, state.dim);
  PG_RETURN_POINTER(result);
}

}  // namespace hnswpg

#endif  // TYPE_COMMON_AGGREGATE_H_
