// The binary form of a vector, of the wire protocol and of COPY: uint16
// dimensions, uint16 zero, then the elements as float4, all big-endian.
//
// The whole message is measured before anything is read from it.
#include "hnswpg/type/vector/vector.h"

extern "C" {
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"
}

#include <bit>
#include <cstring>

using namespace hnswpg;

namespace {

constexpr int kHeaderBytes = 2 * sizeof(uint16);

void CheckLength(int dim, int actual) {
  const int needed = kHeaderBytes + dim * static_cast<int>(sizeof(float));
  if (actual == needed) return;
  // The codes that the server uses for input that ends early and for input
  // with something left over.
  ereport(ERROR,
          (errcode(actual < needed ? ERRCODE_PROTOCOL_VIOLATION
                                   : ERRCODE_INVALID_BINARY_REPRESENTATION),
           errmsg("binary vector has the wrong length"),
           errdetail("A %d-dimensional vector takes %d bytes, not %d.", dim, needed, actual)));
}

}  // namespace

// (internal, oid, typmod).
HNSWPG_FUNCTION(vector_recv)(PG_FUNCTION_ARGS) {
  StringInfo message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
  const int32 typmod = PG_GETARG_INT32(2);
  const int length = message->len - message->cursor;
  if (length < kHeaderBytes)
    ereport(ERROR,
            (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("binary vector ends within its header"),
             errdetail("The header takes %d bytes, there are %d.", kHeaderBytes, length)));
  const int dim = pq_getmsgint(message, sizeof(uint16));
  const int unused = pq_getmsgint(message, sizeof(uint16));
  CheckDim(dim);
  if (unused != 0)
    ereport(ERROR,
            (errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected unused to be 0, not %d", unused),
             errdetail("Bytes 3 and 4 of a binary vector are reserved.")));
  CheckLength(dim, length);
  CheckExpectedDim(typmod, dim);

  Vector* result = NewVector(dim);
  const char* bytes = pq_getmsgbytes(message, dim * static_cast<int>(sizeof(float)));
  for (int i = 0; i < dim; i++) {
    uint32 bits;
    memcpy(&bits, bytes + i * sizeof(bits), sizeof(bits));
    result->x[i] = std::bit_cast<float>(pg_ntoh32(bits));
  }
  CheckFinite(result->x, dim);
  PG_RETURN_VECTOR_P(result);
}

HNSWPG_FUNCTION(vector_send)(PG_FUNCTION_ARGS) {
  const Vector* vector = PG_GETARG_VECTOR_P(0);
  StringInfoData message;
  pq_begintypsend(&message);
  pq_sendint16(&message, static_cast<uint16>(vector->dim));
  pq_sendint16(&message, static_cast<uint16>(vector->unused));
  enlargeStringInfo(&message, vector->dim * static_cast<int>(sizeof(float)));
  for (int i = 0; i < vector->dim; i++)
    pq_writeint32(&message, std::bit_cast<uint32>(vector->x[i]));
  PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}
