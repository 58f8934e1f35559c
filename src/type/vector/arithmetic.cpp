// Functions that look at a vector's elements or make another vector of them:
// +, -, *, ||, subvector, l2_normalize, vector_norm, vector_dims and
// binary_quantize.
//
// A result that a float cannot hold is error 22003, never an infinity.
#include "hnswpg/type/vector/vector.h"

extern "C" {
#include "utils/float.h"
#include "utils/varbit.h"
}

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace hnswpg;

namespace {

// The Euclidean norm, in double so that squares of floats cannot overflow.
double Norm(const Vector* vector) {
  double sum = 0.0;
  for (int i = 0; i < vector->dim; i++)
    sum += static_cast<double>(vector->x[i]) * static_cast<double>(vector->x[i]);
  return std::sqrt(sum);
}

void CheckOverflow(const Vector* vector) {
  for (int i = 0; i < vector->dim; i++)
    if (std::isinf(vector->x[i])) float_overflow_error();
}

// `operation` on each pair of elements of the first two arguments.
template <class Operation>
Vector* Combine(FunctionCallInfo fcinfo, Operation operation) {
  const Vector* a = PG_GETARG_VECTOR_P(0);
  const Vector* b = PG_GETARG_VECTOR_P(1);
  CheckSameDim(a, b);
  Vector* result = NewVector(a->dim);
  for (int i = 0; i < a->dim; i++) result->x[i] = operation(a->x[i], b->x[i]);
  CheckOverflow(result);
  return result;
}

float Product(float a, float b) {
  const float product = a * b;
  if (product == 0.0f && a != 0.0f && b != 0.0f) float_underflow_error();
  return product;
}

}  // namespace

HNSWPG_FUNCTION(vector_dims)(PG_FUNCTION_ARGS) { PG_RETURN_INT32(PG_GETARG_VECTOR_P(0)->dim); }

HNSWPG_FUNCTION(vector_norm)(PG_FUNCTION_ARGS) { PG_RETURN_FLOAT8(Norm(PG_GETARG_VECTOR_P(0))); }

// The zero vector, which has no direction, stays the zero vector.
HNSWPG_FUNCTION(l2_normalize)(PG_FUNCTION_ARGS) {
  const Vector* vector = PG_GETARG_VECTOR_P(0);
  const double norm = Norm(vector);
  Vector* result = NewVector(vector->dim);
  for (int i = 0; i < vector->dim; i++)
    result->x[i] = norm > 0.0 ? static_cast<float>(vector->x[i] / norm) : 0.0f;
  PG_RETURN_VECTOR_P(result);
}

HNSWPG_FUNCTION(vector_add)(PG_FUNCTION_ARGS) {
  PG_RETURN_VECTOR_P(Combine(fcinfo, [](float a, float b) { return a + b; }));
}

HNSWPG_FUNCTION(vector_sub)(PG_FUNCTION_ARGS) {
  PG_RETURN_VECTOR_P(Combine(fcinfo, [](float a, float b) { return a - b; }));
}

// Element by element; also an error where the product of two numbers is too
// small for a float.
HNSWPG_FUNCTION(vector_mul)(PG_FUNCTION_ARGS) { PG_RETURN_VECTOR_P(Combine(fcinfo, Product)); }

HNSWPG_FUNCTION(vector_concat)(PG_FUNCTION_ARGS) {
  const Vector* a = PG_GETARG_VECTOR_P(0);
  const Vector* b = PG_GETARG_VECTOR_P(1);
  const int dim = a->dim + b->dim;
  CheckDim(dim);
  Vector* result = NewVector(dim);
  memcpy(result->x, a->x, a->dim * sizeof(float));
  memcpy(result->x + a->dim, b->x, b->dim * sizeof(float));
  PG_RETURN_VECTOR_P(result);
}

// (vector, start, count): elements start to start + count - 1, of those that
// exist; positions count from 1, as in substring().
HNSWPG_FUNCTION(subvector)(PG_FUNCTION_ARGS) {
  const Vector* vector = PG_GETARG_VECTOR_P(0);
  const int64_t start = PG_GETARG_INT32(1);
  const int64_t stop = start + PG_GETARG_INT32(2);
  const int64_t first = std::max<int64_t>(start, 1);
  const int64_t dim = std::min<int64_t>(stop, vector->dim + 1) - first;
  CheckDim(dim);
  Vector* result = NewVector(static_cast<int>(dim));
  memcpy(result->x, vector->x + first - 1, static_cast<size_t>(dim) * sizeof(float));
  PG_RETURN_VECTOR_P(result);
}

// One bit for each element: whether it is above zero.
HNSWPG_FUNCTION(binary_quantize)(PG_FUNCTION_ARGS) {
  const Vector* vector = PG_GETARG_VECTOR_P(0);
  const int bytes = VARBITTOTALLEN(vector->dim);
  VarBit* result = static_cast<VarBit*>(palloc0(bytes));
  SET_VARSIZE(result, bytes);
  VARBITLEN(result) = vector->dim;
  bits8* bits = VARBITS(result);
  for (int i = 0; i < vector->dim; i++)
    if (vector->x[i] > 0.0f) bits[i / 8] |= 0x80 >> (i % 8);
  PG_RETURN_VARBIT_P(result);
}
