// What all functions of the types share: their checks and error messages.
//
// One wording for one fault, whichever function met it. Element positions are
// counted from 1, as SQL counts.
#include "hnswpg/type/common/dense.h"

#include <bit>
#include <cmath>

namespace hnswpg {

int DifferentDimsError(const char* type, int a, int b) {
  errcode(ERRCODE_DATA_EXCEPTION);
  return errmsg("different %s dimensions %d and %d", type, a, b);
}

int UnexpectedDimError(int expected, int dim) {
  errcode(ERRCODE_DATA_EXCEPTION);
  return errmsg("expected %d dimensions, not %d", expected, dim);
}

int BadDimError(const char* type, int64_t dim) {
  if (dim < 1) {
    errcode(ERRCODE_DATA_EXCEPTION);
    return errmsg("%s must have at least 1 dimension", type);
  }
  errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED);
  errmsg("%s cannot have more than %d dimensions", type, kMaxDim);
  return errdetail("This one would have %lld.", static_cast<long long>(dim));
}

int NotFiniteError(const char* type, float value, int index) {
  errcode(ERRCODE_DATA_EXCEPTION);
  if (std::isnan(value)) {
    errmsg("NaN not allowed in %s", type);
    return errdetail("Element %d is NaN.", index + 1);
  }
  errmsg("infinite value not allowed in %s", type);
  return errdetail("Element %d is infinite.", index + 1);
}

int DamagedError(const char* type, size_t bytes, int dim) {
  errcode(ERRCODE_DATA_CORRUPTED);
  errmsg("damaged %s", type);
  return errdetail("It is %zu bytes long, which a %d-dimensional %s is not.", bytes, dim, type);
}

void CheckFinite(const float* values, int n) {
  // All exponent bits are set in NaN and infinity, and in nothing else. Without
  // a way out of the loop the compiler makes vector code of it.
  constexpr uint32_t kExponent = 0x7F800000;
  uint32_t bad = 0;
  for (int i = 0; i < n; i++) bad |= (std::bit_cast<uint32_t>(values[i]) & kExponent) == kExponent;
  if (!bad) return;
  for (int i = 0; i < n; i++)
    if (!std::isfinite(values[i])) ereport(ERROR, NotFiniteError(Kind<float>::kType, values[i], i));
}

void CheckFinite(const Half* values, int n) {
  for (int i = 0; i < n; i++)
    if (!IsFinite(values[i]))
      ereport(ERROR, NotFiniteError(Kind<Half>::kType, Widen(values[i]), i));
}

}  // namespace hnswpg
