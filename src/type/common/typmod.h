// The type modifier of vector(n) and halfvec(n): the number of dimensions.
#ifndef TYPE_COMMON_TYPMOD_H_
#define TYPE_COMMON_TYPMOD_H_

#include "hnswpg/type/common/dense.h"

extern "C" {
#include "utils/array.h"
}

namespace hnswpg {

// (cstring[]): what stands in the parentheses of type(n).
template <class E>
Datum DenseTypmodIn(FunctionCallInfo fcinfo) {
  const char* type = Kind<E>::kType;
  int n;
  const int32* modifiers = ArrayGetIntegerTypmods(PG_GETARG_ARRAYTYPE_P(0), &n);
  if (n != 1)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid type modifier"),
                    errdetail("Type %s takes one, its number of dimensions, not %d.", type, n)));
  if (modifiers[0] < 1)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("dimensions for type %s must be at least 1, not %d", type, modifiers[0])));
  if (modifiers[0] > kMaxDim)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("dimensions for type %s cannot exceed %d, and %d does", type, kMaxDim,
                           modifiers[0])));
  PG_RETURN_INT32(modifiers[0]);
}

// (value, typmod, explicit): the length coercion of an assignment or a cast to
// type(n). A value is never cut or padded.
template <class E>
Datum DenseToTypmod(FunctionCallInfo fcinfo) {
  Dense<E>* vector = GetArg<E>(fcinfo, 0);
  CheckExpectedDim(PG_GETARG_INT32(1), vector->dim);
  PG_RETURN_POINTER(vector);
}

}  // namespace hnswpg

#endif  // TYPE_COMMON_TYPMOD_H_
