// avg(vector). (sum(vector) adds with vector_add.)
//
// The state is a double precision array: the number of vectors, then the sum of
// each element. {0} is the state of no vectors at all, which knows no number of
// dimensions yet.
#include "hnswpg/type/vector/vector.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/float.h"
}

#include <cmath>
#include <cstring>

using namespace hnswpg;

namespace {

// A state array, looked at as what it means.
struct State {
  float8* count;
  float8* sums;
  int dim;
};

// `array` may come from a user, who can call these functions too; `caller` is
// named in the error.
State GetState(ArrayType* array, const char* caller) {
  if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] < 1 || ARR_HASNULL(array) ||
      ARR_ELEMTYPE(array) != FLOAT8OID)
    ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("%s: expected a state array", caller),
                    errdetail("It is a double precision array of one dimension, with a count, then "
                              "sums, and no nulls.")));
  float8* values = reinterpret_cast<float8*>(ARR_DATA_PTR(array));
  return {values, values + 1, ARR_DIMS(array)[0] - 1};
}

// A state array of no vectors yet, all zero, in the current memory context.
ArrayType* NewState(int dim) {
  CheckDim(dim);
  const size_t size = ARR_OVERHEAD_NONULLS(1) + (dim + 1) * sizeof(float8);
  ArrayType* array = static_cast<ArrayType*>(palloc0(size));
  SET_VARSIZE(array, size);
  array->ndim = 1;
  array->elemtype = FLOAT8OID;
  ARR_DIMS(array)[0] = dim + 1;
  ARR_LBOUND(array)[0] = 1;
  return array;
}

template <class Number>
void AddTo(State state, float8 count, const Number* values) {
  *state.count += count;
  for (int i = 0; i < state.dim; i++) {
    state.sums[i] += values[i];
    if (std::isinf(state.sums[i])) float_overflow_error();
  }
}

// What the result of adding to `array` is to be written to: `array` itself where
// the aggregate's executor owns it, which saves a copy for each row.
ArrayType* Writable(FunctionCallInfo fcinfo, ArrayType* array) {
  if (AggCheckCallContext(fcinfo, nullptr)) return array;
  ArrayType* copy = static_cast<ArrayType*>(palloc(VARSIZE(array)));
  memcpy(copy, array, VARSIZE(array));
  return copy;
}

}  // namespace

// (state, vector)
HNSWPG_FUNCTION(vector_accum)(PG_FUNCTION_ARGS) {
  ArrayType* array = PG_GETARG_ARRAYTYPE_P(0);
  const Vector* vector = PG_GETARG_VECTOR_P(1);
  const State old = GetState(array, "vector_accum");
  ArrayType* result;
  if (old.dim == 0) {
    result = NewState(vector->dim);
    *GetState(result, "vector_accum").count = *old.count;
  } else {
    CheckExpectedDim(old.dim, vector->dim);
    result = Writable(fcinfo, array);
  }
  AddTo(GetState(result, "vector_accum"), 1.0, vector->x);
  PG_RETURN_ARRAYTYPE_P(result);
}

// (state, state): of two parts of one aggregate's input.
HNSWPG_FUNCTION(vector_combine)(PG_FUNCTION_ARGS) {
  ArrayType* array1 = PG_GETARG_ARRAYTYPE_P(0);
  ArrayType* array2 = PG_GETARG_ARRAYTYPE_P(1);
  const State state1 = GetState(array1, "vector_combine");
  const State state2 = GetState(array2, "vector_combine");
  // A part without rows adds nothing and may not know the dimensions.
  if (*state2.count == 0.0) PG_RETURN_ARRAYTYPE_P(array1);
  if (*state1.count == 0.0) PG_RETURN_ARRAYTYPE_P(array2);
  CheckDim(state1.dim);
  CheckExpectedDim(state1.dim, state2.dim);
  ArrayType* result = Writable(fcinfo, array1);
  AddTo(GetState(result, "vector_combine"), *state2.count, state2.sums);
  PG_RETURN_ARRAYTYPE_P(result);
}

// (state): null for no vectors.
HNSWPG_FUNCTION(vector_avg)(PG_FUNCTION_ARGS) {
  const State state = GetState(PG_GETARG_ARRAYTYPE_P(0), "vector_avg");
  if (*state.count == 0.0) PG_RETURN_NULL();
  CheckDim(state.dim);
  Vector* result = NewVector(state.dim);
  for (int i = 0; i < state.dim; i++)
    result->x[i] = static_cast<float>(state.sums[i] / *state.count);
  CheckFinite(result->x, state.dim);
  PG_RETURN_VECTOR_P(result);
}
