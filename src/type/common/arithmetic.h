// Functions that look at the elements of a value or make another of them:
// +, -, *, ||, subvector, l2_normalize, the norm, vector_dims and
// binary_quantize.
//
// A result that an element cannot hold is error 22003, never an infinity.
#ifndef TYPE_COMMON_ARITHMETIC_H_
#define TYPE_COMMON_ARITHMETIC_H_

#include "hnswpg/type/common/dense.h"

extern "C" {
#include "utils/float.h"
#include "utils/varbit.h"
}

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hnswpg {

// The Euclidean norm, in double so that squares of floats cannot overflow.
template <class E>
double Norm(const Dense<E>* vector) {
  double sum = 0.0;
  for (int i = 0; i < vector->dim; i++) {
    const double x = Kind<E>::Wide(vector->x[i]);
    sum += x * x;
  }
  return std::sqrt(sum);
}

template <class E>
void CheckOverflow(const Dense<E>* vector) {
  for (int i = 0; i < vector->dim; i++)
    if (std::isinf(Kind<E>::Wide(vector->x[i]))) float_overflow_error();
}

// `operation` on each pair of elements of the first two arguments.
template <class E, class Operation>
Datum Combine(FunctionCallInfo fcinfo, Operation operation) {
  const Dense<E>* a = GetArg<E>(fcinfo, 0);
  const Dense<E>* b = GetArg<E>(fcinfo, 1);
  CheckSameDim(a, b);
  Dense<E>* result = NewDense<E>(a->dim);
  for (int i = 0; i < a->dim; i++) {
    result->x[i] = Kind<E>::Of(operation(Kind<E>::Wide(a->x[i]), Kind<E>::Wide(b->x[i])));
  }
  CheckOverflow(result);
  PG_RETURN_POINTER(result);
}

// As the element would have it.
template <class E>
float Product(float a, float b) {
  const float product = Kind<E>::Wide(Kind<E>::Of(a * b));
  if (product == 0.0f && a != 0.0f && b != 0.0f) float_underflow_error();
  return product;
}

template <class E>
Datum Dims(FunctionCallInfo fcinfo) {
  PG_RETURN_INT32(GetArg<E>(fcinfo, 0)->dim);
}

template <class E>
Datum NormOf(FunctionCallInfo fcinfo) {
  PG_RETURN_FLOAT8(Norm(GetArg<E>(fcinfo, 0)));
}

// The zero vector, which has no direction, stays the zero vector.
template <class E>
Datum Normalize(FunctionCallInfo fcinfo) {
  const Dense<E>* vector = GetArg<E>(fcinfo, 0);
  const double norm = Norm(vector);
  Dense<E>* result = NewDense<E>(vector->dim);
  for (int i = 0; i < vector->dim; i++)
    result->x[i] =
        Kind<E>::Of(norm > 0.0 ? static_cast<float>(Kind<E>::Wide(vector->x[i]) / norm) : 0.0f);
  PG_RETURN_POINTER(result);
}

template <class E>
Datum Add(FunctionCallInfo fcinfo) {
  return Combine<E>(fcinfo, [](float a, float b) { return a + b; });
}

template <class E>
Datum Subtract(FunctionCallInfo fcinfo) {
  return Combine<E>(fcinfo, [](float a, float b) { return a - b; });
}

// Element by element; also an error where the product of two numbers is too
// small for an element.
template <class E>
Datum Multiply(FunctionCallInfo fcinfo) {
  return Combine<E>(fcinfo, Product<E>);
}

template <class E>
Datum Concat(FunctionCallInfo fcinfo) {
  const Dense<E>* a = GetArg<E>(fcinfo, 0);
  const Dense<E>* b = GetArg<E>(fcinfo, 1);
  const int dim = a->dim + b->dim;
  CheckDim(Kind<E>::kType, dim);
  Dense<E>* result = NewDense<E>(dim);
  memcpy(result->x, a->x, a->dim * sizeof(E));
  memcpy(result->x + a->dim, b->x, b->dim * sizeof(E));
  PG_RETURN_POINTER(result);
}

// (vector, start, count): elements start to start + count - 1, of those that
// exist; positions count from 1, as in substring().
template <class E>
Datum Subvector(FunctionCallInfo fcinfo) {
  const Dense<E>* vector = GetArg<E>(fcinfo, 0);
  const int64_t start = PG_GETARG_INT32(1);
  const int64_t stop = start + PG_GETARG_INT32(2);
  const int64_t first = std::max<int64_t>(start, 1);
  const int64_t dim = std::min<int64_t>(stop, vector->dim + 1) - first;
  CheckDim(Kind<E>::kType, dim);
  Dense<E>* result = NewDense<E>(static_cast<int>(dim));
  memcpy(result->x, vector->x + first - 1, static_cast<size_t>(dim) * sizeof(E));
  PG_RETURN_POINTER(result);
}

// One bit for each element: whether it is above zero.
template <class E>
Datum BinaryQuantize(FunctionCallInfo fcinfo) {
  const Dense<E>* vector = GetArg<E>(fcinfo, 0);
  const int bytes = VARBITTOTALLEN(vector->dim);
  VarBit* result = static_cast<VarBit*>(palloc0(bytes));
  SET_VARSIZE(result, bytes);
  VARBITLEN(result) = vector->dim;
  bits8* bits = VARBITS(result);
  for (int i = 0; i < vector->dim; i++)
    if (Kind<E>::Wide(vector->x[i]) > 0.0f) bits[i / 8] |= 0x80 >> (i % 8);
  PG_RETURN_VARBIT_P(result);
}

}  // namespace hnswpg

#endif  // TYPE_COMMON_ARITHMETIC_H_
