// The binary form of a vector and a halfvec, of the wire protocol and of COPY: uint16
// dimensions, uint16 zero, then the elements, all big-endian.
//
// The whole message is measured before anything is read from it.
#ifndef TYPE_COMMON_BINARY_H_
#define TYPE_COMMON_BINARY_H_

#include "hnswpg/type/common/dense.h"

extern "C" {
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"
}

#include <bit>
#include <cstring>

namespace hnswpg {

inline constexpr int kHeaderBytes = 2 * sizeof(uint16);

inline void WriteElement(StringInfo message, float value) {
  pq_writeint32(message, std::bit_cast<uint32>(value));
}
inline void WriteElement(StringInfo message, Half value) { pq_writeint16(message, value.bits); }

// The element whose bytes, big-endian, stand there.
template <class E>
E FromNetwork(const char* bytes) {
  if constexpr (sizeof(E) == sizeof(uint16)) {
    uint16 bits;
    memcpy(&bits, bytes, sizeof(bits));
    return std::bit_cast<E>(pg_ntoh16(bits));
  } else {
    uint32 bits;
    memcpy(&bits, bytes, sizeof(bits));
    return std::bit_cast<E>(pg_ntoh32(bits));
  }
}

template <class E>
void CheckLength(int dim, int actual) {
  const int needed = kHeaderBytes + dim * static_cast<int>(sizeof(E));
  if (actual == needed) return;
  // The codes that the server uses for input that ends early and for input
  // with something left over.
  ereport(ERROR, (errcode(actual < needed ? ERRCODE_PROTOCOL_VIOLATION
                                          : ERRCODE_INVALID_BINARY_REPRESENTATION),
                  errmsg("binary %s has the wrong length", Kind<E>::kType),
                  errdetail("A %d-dimensional %s takes %d bytes, not %d.", dim, Kind<E>::kType,
                            needed, actual)));
}

// (internal, oid, typmod).
template <class E>
Datum DenseRecv(FunctionCallInfo fcinfo) {
  StringInfo message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
  const int32 typmod = PG_GETARG_INT32(2);
  const int length = message->len - message->cursor;
  if (length < kHeaderBytes)
    ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
                    errmsg("binary %s ends within its header", Kind<E>::kType),
                    errdetail("The header takes %d bytes, there are %d.", kHeaderBytes, length)));
  const int dim = pq_getmsgint(message, sizeof(uint16));
  const int unused = pq_getmsgint(message, sizeof(uint16));
  CheckDim(Kind<E>::kType, dim);
  if (unused != 0)
    ereport(ERROR,
            (errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected unused to be 0, not %d", unused),
             errdetail("Bytes 3 and 4 of a binary %s are reserved.", Kind<E>::kType)));
  CheckLength<E>(dim, length);
  CheckExpectedDim(typmod, dim);

  Dense<E>* result = NewDense<E>(dim);
  const char* bytes = pq_getmsgbytes(message, dim * static_cast<int>(sizeof(E)));
  for (int i = 0; i < dim; i++) result->x[i] = FromNetwork<E>(bytes + i * sizeof(E));
  CheckFinite(result->x, dim);
  PG_RETURN_POINTER(result);
}

template <class E>
Datum DenseSend(FunctionCallInfo fcinfo) {
  const Dense<E>* vector = GetArg<E>(fcinfo, 0);
  StringInfoData message;
  pq_begintypsend(&message);
  pq_sendint16(&message, static_cast<uint16>(vector->dim));
  pq_sendint16(&message, static_cast<uint16>(vector->unused));
  enlargeStringInfo(&message, vector->dim * static_cast<int>(sizeof(E)));
  for (int i = 0; i < vector->dim; i++) WriteElement(&message, vector->x[i]);
  PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

}  // namespace hnswpg

#endif  // TYPE_COMMON_BINARY_H_
