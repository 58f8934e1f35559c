// Values of the server's types bit and bit varying, as vectors of bits.
#ifndef HNSWPG_TYPE_BIT_BIT_H_
#define HNSWPG_TYPE_BIT_BIT_H_

#include "hnswpg/postgres/function.h"

extern "C" {
#include "utils/varbit.h"
}

namespace hnswpg {

// 22000: two values that must be as long as each other.
int DifferentBitLengthsError(int a, int b);

}  // namespace hnswpg

#endif  // HNSWPG_TYPE_BIT_BIT_H_
