// Casts between vectors or halfvecs, and arrays of numbers, and each other.
//
// From arrays: integer[], real[], double precision[] and numeric[]. The
// array has one dimension, any lower bound and no nulls; each element is rounded
// to the nearest float, and that to the nearest half. To arrays of the same four types:
// real[] and double precision[] hold every element exactly, numeric[] takes a float's six
// significant digits and integer[] rounds, as the server's own casts from real
// do.
#ifndef TYPE_COMMON_CAST_H_
#define TYPE_COMMON_CAST_H_

#include "hnswpg/type/common/dense.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
}

#include <cmath>
#include <cstring>

namespace hnswpg {

inline void CheckNoNulls(ArrayType* array, int n) {
  const bits8* present = ARR_NULLBITMAP(array);
  if (present == nullptr) return;
  for (int i = 0; i < n; i++)
    if (!(present[i / 8] & (1 << (i % 8))))
      ereport(ERROR,
              (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("array must not contain nulls"),
               errdetail("Element %d is null.", i + 1)));
}

// The number of elements of an array that may become a value.
template <class E>
int CheckArray(ArrayType* array) {
  if (ARR_NDIM(array) > 1)
    ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("array must be 1-D"),
                    errdetail("It has %d dimensions.", ARR_NDIM(array))));
  const int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
  CheckDim(Kind<E>::kType, n);
  CheckNoNulls(array, n);
  return n;
}

// Where a number that is finite is too large for an element, that deserves its own words.
template <class E>
void CheckRange(double value, E element, int index) {
  if (!std::isinf(Kind<E>::Wide(element)) || !std::isfinite(value)) return;
  ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
                  errmsg("infinite value not allowed in %s", Kind<E>::kType),
                  errdetail("Element %d, %g, is too large for %s.", index + 1, value,
                            sizeof(E) == sizeof(Half) ? "a half" : "a real")));
}

// Elements of fixed size lie next to each other, since there are no nulls.
template <class Element, class E>
void CopyElements(ArrayType* array, Dense<E>* vector) {
  const Element* elements = reinterpret_cast<const Element*>(ARR_DATA_PTR(array));
  for (int i = 0; i < vector->dim; i++) {
    vector->x[i] = Kind<E>::Of(static_cast<float>(elements[i]));
    CheckRange(static_cast<double>(elements[i]), vector->x[i], i);
  }
}

// Raises 22003 where a number is too large for a real.
template <class E>
void CopyNumerics(ArrayType* array, Dense<E>* vector) {
  Datum* elements;
  int n;
  deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &elements, nullptr, &n);
  for (int i = 0; i < n; i++) {
    const float value = DatumGetFloat4(DirectFunctionCall1(numeric_float4, elements[i]));
    vector->x[i] = Kind<E>::Of(value);
    CheckRange(static_cast<double>(value), vector->x[i], i);
  }
  pfree(elements);
}

template <class E>
void CopyArray(ArrayType* array, Dense<E>* vector) {
  switch (ARR_ELEMTYPE(array)) {
    case INT4OID:
      return CopyElements<int32>(array, vector);
    case FLOAT4OID:
      return CopyElements<float4>(array, vector);
    case FLOAT8OID:
      return CopyElements<float8>(array, vector);
    case NUMERICOID:
      return CopyNumerics(array, vector);
    default:
      ereport(ERROR,
              (errcode(ERRCODE_DATA_EXCEPTION), errmsg("unsupported array type"),
               errdetail("Its elements are of type %s.", format_type_be(ARR_ELEMTYPE(array)))));
  }
}

struct ElementType {
  Oid oid;
  int size;
  bool by_value;
  char align;
};

// `to_element` makes a datum of the element type from a float.
template <class E, class ToElement>
ArrayType* MakeArray(const Dense<E>* vector, ElementType type, ToElement to_element) {
  Datum* elements = static_cast<Datum*>(palloc(vector->dim * sizeof(Datum)));
  for (int i = 0; i < vector->dim; i++) elements[i] = to_element(Kind<E>::Wide(vector->x[i]));
  ArrayType* result =
      construct_array(elements, vector->dim, type.oid, type.size, type.by_value, type.align);
  pfree(elements);
  return result;
}

// (array, typmod, explicit)
template <class E>
Datum ArrayToDense(FunctionCallInfo fcinfo) {
  ArrayType* array = PG_GETARG_ARRAYTYPE_P(0);
  const int dim = CheckArray<E>(array);
  CheckExpectedDim(PG_GETARG_INT32(1), dim);
  Dense<E>* result = NewDense<E>(dim);
  CopyArray(array, result);
  CheckFinite(result->x, dim);
  PG_RETURN_POINTER(result);
}

// The casts to arrays are (value, typmod, explicit) too; the target types have
// no modifier that matters here.

template <class E>
Datum DenseToFloat4(FunctionCallInfo fcinfo) {
  const ElementType type{FLOAT4OID, sizeof(float4), true, TYPALIGN_INT};
  PG_RETURN_ARRAYTYPE_P(
      MakeArray(GetArg<E>(fcinfo, 0), type, [](float x) { return Float4GetDatum(x); }));
}

template <class E>
Datum DenseToFloat8(FunctionCallInfo fcinfo) {
  const ElementType type{FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE};
  PG_RETURN_ARRAYTYPE_P(
      MakeArray(GetArg<E>(fcinfo, 0), type, [](float x) { return Float8GetDatum(x); }));
}

// Raises 22003 for what no integer can hold.
template <class E>
Datum DenseToInt4(FunctionCallInfo fcinfo) {
  const ElementType type{INT4OID, sizeof(int32), true, TYPALIGN_INT};
  PG_RETURN_ARRAYTYPE_P(MakeArray(GetArg<E>(fcinfo, 0), type, [](float x) {
    return DirectFunctionCall1(ftoi4, Float4GetDatum(x));
  }));
}

template <class E>
Datum DenseToNumeric(FunctionCallInfo fcinfo) {
  const ElementType type{NUMERICOID, -1, false, TYPALIGN_INT};
  PG_RETURN_ARRAYTYPE_P(MakeArray(GetArg<E>(fcinfo, 0), type, [](float x) {
    return DirectFunctionCall1(float4_numeric, Float4GetDatum(x));
  }));
}

// From one kind of elements to another: (value, typmod, explicit).
template <class From, class To>
Datum DenseToDense(FunctionCallInfo fcinfo) {
  const Dense<From>* from = GetArg<From>(fcinfo, 0);
  CheckExpectedDim(PG_GETARG_INT32(1), from->dim);
  Dense<To>* result = NewDense<To>(from->dim);
  for (int i = 0; i < from->dim; i++) {
    const float value = Kind<From>::Wide(from->x[i]);
    result->x[i] = Kind<To>::Of(value);
    if (std::isinf(Kind<To>::Wide(result->x[i]))) {
      ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                      errmsg("\"%g\" is out of range for type %s", static_cast<double>(value),
                             Kind<To>::kType),
                      errdetail("It is element %d.", i + 1)));
    }
  }
  PG_RETURN_POINTER(result);
}

}  // namespace hnswpg

#endif  // TYPE_COMMON_CAST_H_
