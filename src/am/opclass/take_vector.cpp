// From a value of SQL to the bytes that an index keeps: the one place where the access method
// looks into a value.
#include "hnswpg/am/am.h"
#include "hnswpg/type/bit/bit.h"
#include "hnswpg/type/common/dense.h"

namespace hnswpg {
namespace {

struct Opened {
  const char* type;  // of SQL
  const void* bytes;
  int dim;
};

// A value, detoasted and checked.
template <class E>
Opened OpenDense(Datum value) {
  const Dense<E>* opened = DatumGetDense<E>(value);
  return {Kind<E>::kType, opened->x, opened->dim};
}

Opened OpenBits(Datum value) {
  VarBit* opened = DatumGetVarBitP(value);
  return {"bit", VARBITS(opened), VARBITLEN(opened)};
}

Opened Open(Representation representation, Datum value) {
  switch (representation) {
    case Representation::kFloat32:
      return OpenDense<float>(value);
    case Representation::kFloat16:
      return OpenDense<Half>(value);
    case Representation::kBits:
      return OpenBits(value);
  }
  elog(ERROR, "unknown representation %d of vectors", static_cast<int>(representation));
}

const void* IfNear(const CodeSpace& space, const void* bytes) {
  return space.HasDistances(bytes) ? bytes : nullptr;
}

}  // namespace

const void* TakeRow(const CodeSpace& space, Datum value) {
  const Opened opened = Open(space.kind().representation, value);
  CheckExpectedDim(static_cast<int32>(space.dim()), opened.dim);
  return IfNear(space, opened.bytes);
}

const void* TakeQuery(const CodeSpace& space, Datum value) {
  const Opened opened = Open(space.kind().representation, value);
  const int dim = static_cast<int>(space.dim());
  if (opened.dim != dim && space.kind().representation == Representation::kBits) {
    ereport(ERROR, DifferentBitLengthsError(dim, opened.dim));
  }
  if (opened.dim != dim) ereport(ERROR, DifferentDimsError(opened.type, dim, opened.dim));
  return IfNear(space, opened.bytes);
}

TakenVector TakeAny(Representation representation, Metric metric, Datum value) {
  const Opened opened = Open(representation, value);
  if (opened.dim < 1) return {nullptr, 0};
  const CodeSpace space({representation, metric, Quantization::kNone}, opened.dim);
  return {IfNear(space, opened.bytes), space.vector_bytes()};
}

}  // namespace hnswpg
