// Codes: the form in which the graph walk sees a vector, and the distance
// between two of them.
//
// A code is a CodeHeader followed by the payload: int8[dim] (Quantization
// kInt8) or the float[dim] itself (kNone). In memory it is contiguous; on disk
// the payload of a wide element may lie in several pieces, which is why the
// distance can also be accumulated piece by piece.
//
// int8: a vector v is seen from a centre, which the index has learnt (or the origin),
// and every metric has one form of distance, from one int8 dot product:
//
//   distance(a, b) = a.offset + b.offset - a.scale * b.scale * dot(a.payload, b.payload)
//
// With u = v - centre (for cosine u = v / |v| - centre), payload c = round(u / unit),
// unit = max|u| / 127, and w = unit * c, what the code says of u:
//   L2             scale = sqrt(2) * unit, offset = |w|^2:      |w_a - w_b|^2
//   cosine         scale = unit, offset = |w|^2 / 2:            |w_a - w_b|^2 / 2
//   inner product  scale = unit, offset = -(u.centre + |centre|^2 / 2):
//                                                               -(v_a.v_b), but for w instead of u
// The squared length is that of w, not of u: so the error of a distance grows with the
// distance, not with the vectors' lengths, and near vectors are told apart wherever
// they lie.
//
// none: the float dot product with scale 1, or 1 / |v| for cosine, and no offset;
// except L2 and L1, which are summed directly.
#ifndef HNSWPG_CORE_SPACE_CODE_H_
#define HNSWPG_CORE_SPACE_CODE_H_

#include <cstddef>
#include <cstdint>

#include "hnswpg/core/kernels/kernels.h"
#include "hnswpg/core/space/footprint.h"

namespace hnswpg {

// The numbers are stored in the metapage; never renumber.
enum class Metric : uint8_t { kL2 = 1, kInnerProduct = 2, kCosine = 3, kL1 = 4 };
enum class Quantization : uint8_t { kNone = 0, kInt8 = 1 };

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

// What turns vectors into codes and codes into distances. A plain value: copy
// it freely; it lives as long as the process, and its centre.
class CodeSpace {
 public:
  // `centre`: dim floats that outlive the space; null: the origin. Encode alone looks at it.
  CodeSpace(Metric metric, Quantization quantization, uint32_t dim,
            const float* centre = nullptr) noexcept;

  Metric metric() const { return metric_; }
  Quantization quantization() const { return quantization_; }
  uint32_t dim() const { return dim_; }

  // Bytes of one dimension, of the payload, and of header and payload.
  size_t item_bytes() const { return quantization_ == Quantization::kInt8 ? 1 : sizeof(float); }
  size_t payload_bytes() const { return dim_ * item_bytes(); }
  size_t code_bytes() const { return sizeof(CodeHeader) + payload_bytes(); }
  Footprint footprint() const {
    const uint32_t vector = dim_ * static_cast<uint32_t>(sizeof(float));
    if (quantization_ == Quantization::kNone) return {vector, 0, 0};
    return {dim_, vector, vector};  // the book is the centre
  }

  // Writes code_bytes() bytes to `code` (4-byte aligned). The vector is finite
  // and, for cosine, not zero.
  void Encode(const float* vector, void* code) const noexcept;

  // Between two contiguous codes. Smaller is nearer; never NaN (what overflows
  // to NaN counts as infinitely far).
  float Distance(const void* a, const void* b) const noexcept;

  // The same in pieces: Accumulate over corresponding pieces of both payloads
  // (`bytes` a multiple of item_bytes()), then Finish.
  void Accumulate(const void* a, const void* b, size_t bytes, CodeSum* sum) const noexcept;
  float Finish(CodeHeader a, CodeHeader b, CodeSum sum) const noexcept;

  // How far Distance may be off for two int8 codes between which it is `distance`: the
  // variance of its error, as rounding makes it. 0 without quantization.
  double ErrorVariance(const void* a, const void* b, float distance) const noexcept;

  // Between two vectors as they are: the distance results are ordered by.
  // Squared for L2, since the order is the same.
  float ExactDistance(const float* a, const float* b) const noexcept;

 private:
  friend class QueryCode;

  CodeHeader EncodeInt8(const float* vector, double factor, int8_t* payload) const noexcept;

  Metric metric_;
  Quantization quantization_;
  uint32_t dim_;
  const float* centre_;
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

  // out[i] = space().Distance(code(), codes[i]), bit for bit. Each of the n >= 0
  // codes is contiguous and 4-byte aligned. Codes that are not in the cache are best
  // asked for by the caller before, the first two or three lines of each; for those
  // behind them the CPU needs no help, and more requests slow it down.
  void Distances(const char* const* codes, size_t n, float* out) const noexcept;

 private:
  static constexpr size_t kPiece = 64;

  void DistancesOfPiece(const char* const* codes, size_t n, float* out) const noexcept;

  const CodeSpace* space_ = nullptr;
  const void* code_ = nullptr;
  QueryI8 int8_{};  // for int8 codes
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_SPACE_CODE_H_
