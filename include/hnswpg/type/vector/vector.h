// The SQL type `vector`: its layout on disk and in memory, and the checks that
// every value of it has passed.
//
// A vector has 1 to kMaxDim dimensions, and every element is finite: whatever
// makes a Vector (input, casts, arithmetic) sees to that, whatever takes one
// relies on it. The layout is pgvector's, byte for byte.
//
// Everything here that raises an error does so by ereport(ERROR), that is by
// longjmp. Allocations come from the current memory context.
#ifndef HNSWPG_TYPE_VECTOR_VECTOR_H_
#define HNSWPG_TYPE_VECTOR_VECTOR_H_

#include "hnswpg/postgres/function.h"

#include <cstddef>
#include <cstdint>

#include "hnswpg/core/limits.h"

namespace hnswpg {

struct Vector {
  int32_t vl_len_;  // the varlena header; touch it with SET_VARSIZE only
  int16_t dim;
  int16_t unused;  // always 0
  float x[];       // dim elements
};
static_assert(offsetof(Vector, dim) == VARHDRSZ && offsetof(Vector, x) == 8);

// Bytes of a vector of `dim` dimensions, varlena header included.
inline constexpr size_t VectorSize(int dim) {
  return offsetof(Vector, x) + static_cast<size_t>(dim) * sizeof(float);
}

// --- What an error says (vector.cpp) ---
// Each fills in the error that is being raised; call it within ereport or
// errsave: ereport(ERROR, BadDimError(dim)).

// 22000: two vectors that must have as many dimensions as each other.
int DifferentDimsError(int a, int b);
// 22000: `dim` dimensions where a column or a cast asks for `expected`.
int UnexpectedDimError(int expected, int dim);
// 22000 below 1, 54000 above kMaxDim.
int BadDimError(int64_t dim);
// 22000: element `index` (from 0) is NaN or infinite.
int NotFiniteError(float value, int index);
// XX001: a stored value that no code of this module wrote.
int DamagedError(const Vector* vector);

// --- Checks: no cost where all is well ---

inline void CheckDim(int64_t dim) {
  if (dim < 1 || dim > kMaxDim) ereport(ERROR, BadDimError(dim));
}

// `typmod` is -1 where any number of dimensions will do.
inline void CheckExpectedDim(int32_t typmod, int dim) {
  if (typmod != -1 && typmod != dim) ereport(ERROR, UnexpectedDimError(typmod, dim));
}

inline void CheckSameDim(const Vector* a, const Vector* b) {
  if (a->dim != b->dim) ereport(ERROR, DifferentDimsError(a->dim, b->dim));
}

// Raises the error for the first element that is NaN or infinite.
void CheckFinite(const float* values, int n);

// --- Making and taking ---

// A new vector; its elements are not set.
inline Vector* NewVector(int dim) {
  Vector* result = static_cast<Vector*>(palloc(VectorSize(dim)));
  SET_VARSIZE(result, VectorSize(dim));
  result->dim = static_cast<int16_t>(dim);
  result->unused = 0;
  return result;
}

// The vector that a datum holds, detoasted: a copy in the current memory
// context where the stored form is compressed, external or has a short header,
// else the datum's own memory. Its size agrees with its number of dimensions.
inline Vector* DatumGetVector(Datum datum) {
  Vector* vector = reinterpret_cast<Vector*>(PG_DETOAST_DATUM(datum));
  if (vector->dim < 1 || VARSIZE(vector) != VectorSize(vector->dim))
    ereport(ERROR, DamagedError(vector));
  return vector;
}

}  // namespace hnswpg

#define PG_GETARG_VECTOR_P(n) (::hnswpg::DatumGetVector(PG_GETARG_DATUM(n)))
#define PG_RETURN_VECTOR_P(vector) PG_RETURN_POINTER(vector)

#endif  // HNSWPG_TYPE_VECTOR_VECTOR_H_
