// What the types `vector` and `halfvec` are: numbers of one kind, one for each dimension; and the
// checks that every value of them has passed. Each of the two is a row: Kind<E>.
//
// A value has 1 to kMaxDim dimensions, and every element is finite: whatever makes one
// (input, casts, arithmetic) sees to that, whatever takes one relies on it. The layout is
// pgvector's, byte for byte.
//
// Everything here that raises an error does so by ereport(ERROR), that is by
// longjmp. Allocations come from the current memory context.
#ifndef HNSWPG_TYPE_COMMON_DENSE_H_
#define HNSWPG_TYPE_COMMON_DENSE_H_

#include "hnswpg/postgres/function.h"

#include <cstddef>
#include <cstdint>

#include "hnswpg/core/kernels/half.h"
#include "hnswpg/core/limits.h"

namespace hnswpg {

template <class E>
struct Dense {
  int32_t vl_len_;  // the varlena header; touch it with SET_VARSIZE only
  int16_t dim;
  int16_t unused;  // always 0
  E x[];           // dim elements
};
using Vector = Dense<float>;
using Halfvec = Dense<Half>;
static_assert(offsetof(Vector, dim) == VARHDRSZ && offsetof(Vector, x) == 8);
static_assert(offsetof(Halfvec, dim) == VARHDRSZ && offsetof(Halfvec, x) == 8);

// --- The kinds of elements ---

template <class E>
struct Kind;

template <>
struct Kind<float> {
  static constexpr const char* kType = "vector";
  static constexpr const char* kAccumulate = "vector_accum";
  static constexpr const char* kCombine = "vector_combine";
  static constexpr const char* kAverage = "vector_avg";
  static float Wide(float value) { return value; }
  static float Of(float value) { return value; }
};

template <>
struct Kind<Half> {
  static constexpr const char* kType = "halfvec";
  static constexpr const char* kAccumulate = "halfvec_accum";
  static constexpr const char* kCombine = "halfvec_combine";
  static constexpr const char* kAverage = "halfvec_avg";
  static float Wide(Half value) { return Widen(value); }
  // Infinite where the number is too large.
  static Half Of(float value) { return Narrow(value); }
};

// Bytes of a value of `dim` dimensions, varlena header included.
template <class E>
constexpr size_t DenseSize(int dim) {
  return offsetof(Dense<E>, x) + static_cast<size_t>(dim) * sizeof(E);
}

// --- What an error says (errors.cpp); `type` is the SQL type's name ---
// Each fills in the error that is being raised; call it within ereport or
// errsave: ereport(ERROR, BadDimError(type, dim)).

// 22000: two values that must have as many dimensions as each other.
int DifferentDimsError(const char* type, int a, int b);
// 22000: `dim` dimensions where a column or a cast asks for `expected`.
int UnexpectedDimError(int expected, int dim);
// 22000 below 1, 54000 above kMaxDim.
int BadDimError(const char* type, int64_t dim);
// 22000: element `index` (from 0) is NaN or infinite.
int NotFiniteError(const char* type, float value, int index);
// XX001: a stored value that no code of this module wrote.
int DamagedError(const char* type, size_t bytes, int dim);

// --- Checks: no cost where all is well ---

inline void CheckDim(const char* type, int64_t dim) {
  if (dim < 1 || dim > kMaxDim) ereport(ERROR, BadDimError(type, dim));
}

// `typmod` is -1 where any number of dimensions will do.
inline void CheckExpectedDim(int32_t typmod, int dim) {
  if (typmod != -1 && typmod != dim) ereport(ERROR, UnexpectedDimError(typmod, dim));
}

template <class E>
void CheckSameDim(const Dense<E>* a, const Dense<E>* b) {
  if (a->dim != b->dim) ereport(ERROR, DifferentDimsError(Kind<E>::kType, a->dim, b->dim));
}

// Raises the error for the first element that is NaN or infinite.
void CheckFinite(const float* values, int n);
void CheckFinite(const Half* values, int n);

// --- Making and taking ---

// A new value; its elements are not set.
template <class E>
Dense<E>* NewDense(int dim) {
  Dense<E>* result = static_cast<Dense<E>*>(palloc(DenseSize<E>(dim)));
  SET_VARSIZE(result, DenseSize<E>(dim));
  result->dim = static_cast<int16_t>(dim);
  result->unused = 0;
  return result;
}

// What a datum holds, detoasted: a copy in the current memory context where the
// stored form is compressed, external or has a short header, else the datum's own
// memory. Its size agrees with its number of dimensions.
template <class E>
Dense<E>* DatumGetDense(Datum datum) {
  Dense<E>* value = reinterpret_cast<Dense<E>*>(PG_DETOAST_DATUM(datum));
  if (value->dim < 1 || VARSIZE(value) != DenseSize<E>(value->dim))
    ereport(ERROR, DamagedError(Kind<E>::kType, VARSIZE(value), value->dim));
  return value;
}

template <class E>
Dense<E>* GetArg(FunctionCallInfo fcinfo, int n) {
  return DatumGetDense<E>(PG_GETARG_DATUM(n));
}

}  // namespace hnswpg

#endif  // HNSWPG_TYPE_COMMON_DENSE_H_
