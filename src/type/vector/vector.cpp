// What all functions of the type share: its checks and their error messages.
//
// One wording for one fault, whichever function met it. Element positions are
// counted from 1, as SQL counts.
#include "hnswpg/type/vector/vector.h"

#include <bit>
#include <cmath>

namespace hnswpg {

int DifferentDimsError(int a, int b) {
  errcode(ERRCODE_DATA_EXCEPTION);
  return errmsg("different vector dimensions %d and %d", a, b);
}

int UnexpectedDimError(int expected, int dim) {
  errcode(ERRCODE_DATA_EXCEPTION);
  return errmsg("expected %d dimensions, not %d", expected, dim);
}

int BadDimError(int64_t dim) {
  if (dim < 1) {
    errcode(ERRCODE_DATA_EXCEPTION);
    return errmsg("vector must have at least 1 dimension");
  }
  errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED);
  errmsg("vector cannot have more than %d dimensions", kMaxDim);
  return errdetail("This one would have %lld.", static_cast<long long>(dim));
}

int NotFiniteError(float value, int index) {
  errcode(ERRCODE_DATA_EXCEPTION);
  if (std::isnan(value)) {
    errmsg("NaN not allowed in vector");
    return errdetail("Element %d is NaN.", index + 1);
  }
  errmsg("infinite value not allowed in vector");
  return errdetail("Element %d is infinite.", index + 1);
}

int DamagedError(const Vector* vector) {
  errcode(ERRCODE_DATA_CORRUPTED);
  errmsg("damaged vector");
  return errdetail("It is %u bytes long, which a %d-dimensional vector is not.",
                   static_cast<unsigned>(VARSIZE(vector)), vector->dim);
}

void CheckFinite(const float* values, int n) {
  // All exponent bits are set in NaN and infinity, and in nothing else. Without
  // a way out of the loop the compiler makes vector code of it.
  constexpr uint32_t kExponent = 0x7F800000;
  uint32_t bad = 0;
  for (int i = 0; i < n; i++) bad |= (std::bit_cast<uint32_t>(values[i]) & kExponent) == kExponent;
  if (!bad) return;
  for (int i = 0; i < n; i++)
    if (!std::isfinite(values[i])) ereport(ERROR, NotFiniteError(values[i], i));
}

}  // namespace hnswpg
