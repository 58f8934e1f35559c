// Codes: the form in which the graph walk sees a vector, and the distance
// between two of them.
//
// A code is a CodeHeader followed by a payload, which is the vector itself
// (Quantization kNone) or something shorter. In memory it is contiguous; on disk
// the payload of a wide element may lie in several pieces, which is why the
// distance can also be accumulated piece by piece.
//
// A vector is a run of bytes, of the length that its space says: only the spaces
// (src/core/space/) know what numbers it holds.
#ifndef HNSWPG_CORE_SPACE_CODE_H_
#define HNSWPG_CORE_SPACE_CODE_H_

#include <cstddef>
#include <cstdint>

#include "hnswpg/core/kernels/kernels.h"
#include "hnswpg/core/limits.h"
#include "hnswpg/core/space/footprint.h"
#include "hnswpg/core/space/kind.h"

namespace hnswpg {

struct CodeHeader {
  float scale;   // what one unit of the payload is worth
  float offset;  // what the vector adds to each of its distances
};
static_assert(sizeof(CodeHeader) == 8);

// The sum that a distance is made from; which member counts follows from the
// quantization.
struct CodeSum {
  int32_t i8 = 0;
  float f32 = 0.0f;
};

struct SpaceOps;  // src/core/space/space_ops.h

// Whether there are vectors that are measured so.
bool SpaceExists(const SpaceKind& kind) noexcept;

// How many dimensions vectors may have.
constexpr uint32_t MostDimensions(Representation representation) {
  return representation == Representation::kBits ? kMaxBits : kMaxDim;
}

// What turns vectors into codes and codes into distances. A plain value: copy
// it freely; it lives as long as the process, and its centre.
class CodeSpace {
 public:
  // Of a kind that exists. `centre`: what the codes are relative to, floats that outlive the
  // space, as many as the book has (footprint()); null: the origin. Encode alone looks at it.
  CodeSpace(const SpaceKind& kind, uint32_t dim, const float* centre = nullptr) noexcept;
  // Of vectors of floats.
  CodeSpace(Metric metric, Quantization quantization, uint32_t dim,
            const float* centre = nullptr) noexcept
      : CodeSpace(SpaceKind{Representation::kFloat32, metric, quantization}, dim, centre) {}

  const SpaceKind& kind() const { return kind_; }
  Metric metric() const { return kind_.metric; }
  Quantization quantization() const { return kind_.quantization; }
  uint32_t dim() const { return dim_; }

  // Bytes of a vector.
  size_t vector_bytes() const { return vector_bytes_; }
  // Bytes of the payload, and of header and payload; and of one item of a payload, which may be
  // cut between any two.
  size_t payload_bytes() const { return payload_bytes_; }
  size_t code_bytes() const { return sizeof(CodeHeader) + payload_bytes_; }
  size_t item_bytes() const;
  Footprint footprint() const;

  // False for a vector that has no distance to any other, as one of zeros has no cosine: it is
  // not indexed, and nothing is near it.
  bool HasDistances(const void* vector) const noexcept;

  // The first dimension, from 0, whose value is NaN or infinite; dim() where all are finite, as
  // those of every value of SQL are.
  uint32_t FirstNotFinite(const void* vector) const noexcept;

  // The vector as floats, dim() of them: exact.
  void ToFloats(const void* vector, float* out) const noexcept;

  // Writes code_bytes() bytes to `code` (4-byte aligned). The vector is finite and
  // HasDistances.
  void Encode(const void* vector, void* code) const noexcept;

  // Between two contiguous codes. Smaller is nearer; never NaN (what overflows
  // to NaN counts as infinitely far).
  float Distance(const void* a, const void* b) const noexcept;

  // The same in pieces: Accumulate over corresponding pieces of both payloads
  // (`bytes` a multiple of item_bytes()), then Finish.
  void Accumulate(const void* a, const void* b, size_t bytes, CodeSum* sum) const noexcept;
  float Finish(CodeHeader a, CodeHeader b, CodeSum sum) const noexcept;

  // How far Distance may be off for two codes between which it is `distance`: the
  // variance of its error, as rounding makes it. 0 without quantization.
  double ErrorVariance(const void* a, const void* b, float distance) const noexcept;

  // Between two vectors as they are: the distance results are ordered by.
  // Squared for L2, since the order is the same.
  float ExactDistance(const void* a, const void* b) const noexcept;

  // For the spaces themselves.
  const Kernels& kernels() const { return *kernels_; }
  const float* centre() const { return centre_; }

 private:
  friend class QueryCode;

  SpaceKind kind_;
  uint32_t dim_;
  size_t vector_bytes_;
  size_t payload_bytes_;
  const float* centre_;
  const SpaceOps* ops_;
  const Kernels* kernels_;
};

// One code made ready to be compared with many others, as a search does: what
// depends on it alone is computed once. Owns nothing; the space and the code that
// it was made of outlive it.
class QueryCode {
 public:
  QueryCode() = default;  // to be assigned to
  // `code`: contiguous, 4-byte aligned.
  QueryCode(const CodeSpace* space, const void* code) noexcept;

  const CodeSpace& space() const { return *space_; }
  const void* code() const { return code_; }
  const QueryI8& int8() const { return int8_; }  // of codes of int8

  // out[i] = space().Distance(code(), codes[i]), bit for bit. Each of the n >= 0
  // codes is contiguous and 4-byte aligned. Codes that are not in the cache are best
  // asked for by the caller before, the first two or three lines of each; for those
  // behind them the CPU needs no help, and more requests slow it down.
  void Distances(const char* const* codes, size_t n, float* out) const noexcept;

 private:
  const CodeSpace* space_ = nullptr;
  const void* code_ = nullptr;
  QueryI8 int8_{};
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_SPACE_CODE_H_
