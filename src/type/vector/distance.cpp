// Distances between two vectors, and the functions behind the operators <->,
// <#>, <=> and <+>.
//
// Sums are kept in float by the kernels, as pgvector keeps them; what overflows
// becomes infinity, not an error. Two vectors of different dimensions are an
// error everywhere.
#include "hnswpg/type/vector/vector.h"

#include <cmath>
#include <numbers>

#include "hnswpg/core/kernels/kernels.h"

using namespace hnswpg;

namespace {

struct Pair {
  const Vector* a;
  const Vector* b;
};

// The first two arguments, detoasted and of equal dimensions.
Pair GetPair(FunctionCallInfo fcinfo) {
  Pair pair{PG_GETARG_VECTOR_P(0), PG_GETARG_VECTOR_P(1)};
  CheckSameDim(pair.a, pair.b);
  return pair;
}

using Kernel = float (*Kernels::*)(const float*, const float*, size_t);

double Apply(Kernel kernel, FunctionCallInfo fcinfo) {
  const Pair pair = GetPair(fcinfo);
  return (GetKernels().*kernel)(pair.a->x, pair.b->x, static_cast<size_t>(pair.a->dim));
}

// NaN stays NaN: it fails both comparisons.
double Clamp(double similarity) {
  if (similarity > 1.0) return 1.0;
  if (similarity < -1.0) return -1.0;
  return similarity;
}

}  // namespace

HNSWPG_FUNCTION(l2_distance)(PG_FUNCTION_ARGS) {
  PG_RETURN_FLOAT8(std::sqrt(Apply(&Kernels::l2_squared, fcinfo)));
}

HNSWPG_FUNCTION(vector_l2_squared_distance)(PG_FUNCTION_ARGS) {
  PG_RETURN_FLOAT8(Apply(&Kernels::l2_squared, fcinfo));
}

HNSWPG_FUNCTION(inner_product)(PG_FUNCTION_ARGS) { PG_RETURN_FLOAT8(Apply(&Kernels::dot, fcinfo)); }

HNSWPG_FUNCTION(vector_negative_inner_product)(PG_FUNCTION_ARGS) {
  PG_RETURN_FLOAT8(-Apply(&Kernels::dot, fcinfo));
}

HNSWPG_FUNCTION(l1_distance)(PG_FUNCTION_ARGS) { PG_RETURN_FLOAT8(Apply(&Kernels::l1, fcinfo)); }

// Between 0 and 2. NaN where one of the vectors is zero, which has no direction.
HNSWPG_FUNCTION(cosine_distance)(PG_FUNCTION_ARGS) {
  const Pair pair = GetPair(fcinfo);
  float dot, a2, b2;
  GetKernels().cosine_parts(pair.a->x, pair.b->x, static_cast<size_t>(pair.a->dim), &dot, &a2, &b2);
  // One root of the product loses less than the product of two roots.
  const double norms = std::sqrt(static_cast<double>(a2) * static_cast<double>(b2));
  PG_RETURN_FLOAT8(1.0 - Clamp(dot / norms));
}

// The angle between two vectors of length 1 (which is not checked), as a share
// of half a turn: between 0 and 1.
HNSWPG_FUNCTION(vector_spherical_distance)(PG_FUNCTION_ARGS) {
  PG_RETURN_FLOAT8(std::acos(Clamp(Apply(&Kernels::dot, fcinfo))) / std::numbers::pi);
}
