// Distances between two values of type bit: the functions behind the operators <~> and <%>.
#include "hnswpg/type/bit/bit.h"

#include "hnswpg/core/kernels/kernels.h"

namespace hnswpg {

int DifferentBitLengthsError(int a, int b) {
  errcode(ERRCODE_DATA_EXCEPTION);
  return errmsg("different bit lengths %u and %u", static_cast<unsigned>(a),
                static_cast<unsigned>(b));
}

namespace {

// The first two arguments, detoasted and of equal length. The server keeps the bits behind the
// last one 0.
struct Pair {
  explicit Pair(FunctionCallInfo fcinfo) : a(PG_GETARG_VARBIT_P(0)), b(PG_GETARG_VARBIT_P(1)) {
    if (VARBITLEN(a) != VARBITLEN(b)) {
      ereport(ERROR, DifferentBitLengthsError(VARBITLEN(a), VARBITLEN(b)));
    }
  }
  VarBit* a;
  VarBit* b;
};

using Counter = uint64_t (*Kernels::*)(const uint8_t*, const uint8_t*, size_t);

double Count(Counter counter, VarBit* a, VarBit* b) {
  return static_cast<double>((GetKernels().*counter)(VARBITS(a), VARBITS(b), VARBITBYTES(a)));
}

}  // namespace
}  // namespace hnswpg

using namespace hnswpg;

// How many bits differ.
HNSWPG_FUNCTION(bit_hamming_distance)(PG_FUNCTION_ARGS) {
  const Pair pair(fcinfo);
  PG_RETURN_FLOAT8(Count(&Kernels::differing_bits, pair.a, pair.b));
}

// 1 less the share, of the bits that are set in either, that are set in both. 1 where no bit is
// set in both: so two values of zeros are as far from each other as can be.
HNSWPG_FUNCTION(bit_jaccard_distance)(PG_FUNCTION_ARGS) {
  const Pair pair(fcinfo);
  const double common = Count(&Kernels::common_bits, pair.a, pair.b);
  if (common == 0) PG_RETURN_FLOAT8(1.0);
  const double either = Count(&Kernels::common_bits, pair.a, pair.a) +
                        Count(&Kernels::common_bits, pair.b, pair.b) - common;
  PG_RETURN_FLOAT8(1.0 - common / either);
}
