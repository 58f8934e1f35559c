// The type modifier of vector(n): the number of dimensions.
#include "hnswpg/type/vector/vector.h"

extern "C" {
#include "utils/array.h"
}

using namespace hnswpg;

// (cstring[]): what stands in the parentheses of vector(n).
HNSWPG_FUNCTION(vector_typmod_in)(PG_FUNCTION_ARGS) {
  int n;
  const int32* modifiers = ArrayGetIntegerTypmods(PG_GETARG_ARRAYTYPE_P(0), &n);
  if (n != 1)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid type modifier"),
                    errdetail("Type vector takes one, its number of dimensions, not %d.", n)));
  if (modifiers[0] < 1)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("dimensions for type vector must be at least 1, not %d", modifiers[0])));
  if (modifiers[0] > kMaxDim)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("dimensions for type vector cannot exceed %d, and %d does", kMaxDim,
                           modifiers[0])));
  PG_RETURN_INT32(modifiers[0]);
}

// (vector, typmod, explicit): the length coercion of an assignment or a cast to
// vector(n). A vector is never cut or padded.
HNSWPG_FUNCTION(vector)(PG_FUNCTION_ARGS) {
  Vector* vector = PG_GETARG_VECTOR_P(0);
  CheckExpectedDim(PG_GETARG_INT32(1), vector->dim);
  PG_RETURN_VECTOR_P(vector);
}
