// Casts between vectors and arrays of numbers.
//
// To a vector: from integer[], real[], double precision[] and numeric[]. The
// array has one dimension, any lower bound and no nulls; each element is rounded
// to the nearest float. To arrays of the same four types: real[] and double
// precision[] hold every float exactly, numeric[] takes a float's six
// significant digits and integer[] rounds, as the server's own casts from real
// do.
#include "hnswpg/type/vector/vector.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
}

#include <cmath>
#include <cstring>

using namespace hnswpg;

namespace {

void CheckNoNulls(ArrayType* array, int n) {
  const bits8* present = ARR_NULLBITMAP(array);
  if (present == nullptr) return;
  for (int i = 0; i < n; i++)
    if (!(present[i / 8] & (1 << (i % 8))))
      ereport(ERROR,
              (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("array must not contain nulls"),
               errdetail("Element %d is null.", i + 1)));
}

// The number of elements of an array that may become a vector.
int CheckArray(ArrayType* array) {
  if (ARR_NDIM(array) > 1)
    ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("array must be 1-D"),
                    errdetail("It has %d dimensions.", ARR_NDIM(array))));
  const int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
  CheckDim(n);
  CheckNoNulls(array, n);
  return n;
}

// Elements of fixed size lie next to each other, since there are no nulls.
template <class Element>
void CopyElements(ArrayType* array, Vector* vector) {
  const Element* elements = reinterpret_cast<const Element*>(ARR_DATA_PTR(array));
  for (int i = 0; i < vector->dim; i++) vector->x[i] = static_cast<float>(elements[i]);
}

// A double that is finite and too large for a float deserves its own words.
void CopyDoubles(ArrayType* array, Vector* vector) {
  const float8* elements = reinterpret_cast<const float8*>(ARR_DATA_PTR(array));
  for (int i = 0; i < vector->dim; i++) {
    vector->x[i] = static_cast<float>(elements[i]);
    if (std::isinf(vector->x[i]) && std::isfinite(elements[i]))
      ereport(ERROR,
              (errcode(ERRCODE_DATA_EXCEPTION), errmsg("infinite value not allowed in vector"),
               errdetail("Element %d, %g, is too large for a real.", i + 1, elements[i])));
  }
}

// Raises 22003 where a number is too large for a real.
void CopyNumerics(ArrayType* array, Vector* vector) {
  Datum* elements;
  int n;
  deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &elements, nullptr, &n);
  for (int i = 0; i < n; i++)
    vector->x[i] = DatumGetFloat4(DirectFunctionCall1(numeric_float4, elements[i]));
  pfree(elements);
}

void CopyArray(ArrayType* array, Vector* vector) {
  switch (ARR_ELEMTYPE(array)) {
    case INT4OID:
      return CopyElements<int32>(array, vector);
    case FLOAT4OID:
      return CopyElements<float4>(array, vector);
    case FLOAT8OID:
      return CopyDoubles(array, vector);
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
template <class ToElement>
ArrayType* MakeArray(const Vector* vector, ElementType type, ToElement to_element) {
  Datum* elements = static_cast<Datum*>(palloc(vector->dim * sizeof(Datum)));
  for (int i = 0; i < vector->dim; i++) elements[i] = to_element(vector->x[i]);
  ArrayType* result =
      construct_array(elements, vector->dim, type.oid, type.size, type.by_value, type.align);
  pfree(elements);
  return result;
}

}  // namespace

// (array, typmod, explicit)
HNSWPG_FUNCTION(array_to_vector)(PG_FUNCTION_ARGS) {
  ArrayType* array = PG_GETARG_ARRAYTYPE_P(0);
  const int dim = CheckArray(array);
  CheckExpectedDim(PG_GETARG_INT32(1), dim);
  Vector* result = NewVector(dim);
  CopyArray(array, result);
  CheckFinite(result->x, dim);
  PG_RETURN_VECTOR_P(result);
}

// The casts to arrays are (vector, typmod, explicit) too; the target types have
// no modifier that matters here.

HNSWPG_FUNCTION(vector_to_float4)(PG_FUNCTION_ARGS) {
  const ElementType type{FLOAT4OID, sizeof(float4), true, TYPALIGN_INT};
  PG_RETURN_ARRAYTYPE_P(
      MakeArray(PG_GETARG_VECTOR_P(0), type, [](float x) { return Float4GetDatum(x); }));
}

HNSWPG_FUNCTION(vector_to_float8)(PG_FUNCTION_ARGS) {
  const ElementType type{FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE};
  PG_RETURN_ARRAYTYPE_P(
      MakeArray(PG_GETARG_VECTOR_P(0), type, [](float x) { return Float8GetDatum(x); }));
}

// Raises 22003 for what no integer can hold.
HNSWPG_FUNCTION(vector_to_int4)(PG_FUNCTION_ARGS) {
  const ElementType type{INT4OID, sizeof(int32), true, TYPALIGN_INT};
  PG_RETURN_ARRAYTYPE_P(MakeArray(PG_GETARG_VECTOR_P(0), type, [](float x) {
    return DirectFunctionCall1(ftoi4, Float4GetDatum(x));
  }));
}

HNSWPG_FUNCTION(vector_to_numeric)(PG_FUNCTION_ARGS) {
  const ElementType type{NUMERICOID, -1, false, TYPALIGN_INT};
  PG_RETURN_ARRAYTYPE_P(MakeArray(PG_GETARG_VECTOR_P(0), type, [](float x) {
    return DirectFunctionCall1(float4_numeric, Float4GetDatum(x));
  }));
}
