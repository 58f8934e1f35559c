// What all spaces have in common; what differs is in their rows of the registry.
#include "hnswpg/core/space/code.h"

#include "core/space/registry.h"
#include "core/space/space_ops.h"

namespace hnswpg {

bool SpaceExists(const SpaceKind& kind) noexcept { return FindSpace(kind) != nullptr; }

CodeSpace::CodeSpace(const SpaceKind& kind, uint32_t dim, const float* centre) noexcept
    : kind_(kind), dim_(dim), centre_(nullptr), ops_(FindSpace(kind)), kernels_(&GetKernels()) {
  vector_bytes_ = ops_->vector_bytes(dim);
  const Footprint footprint = ops_->footprint(dim);
  payload_bytes_ = footprint.payload_bytes;
  if (footprint.book_bytes > 0) centre_ = centre;
}

size_t CodeSpace::item_bytes() const { return ops_->item_bytes; }

Footprint CodeSpace::footprint() const { return ops_->footprint(dim_); }

bool CodeSpace::HasDistances(const void* vector) const noexcept {
  return ops_->has_distances(*this, vector);
}

uint32_t CodeSpace::FirstNotFinite(const void* vector) const noexcept {
  return ops_->first_not_finite(*this, vector);
}

void CodeSpace::ToFloats(const void* vector, float* out) const noexcept {
  ops_->to_floats(*this, vector, out);
}

void CodeSpace::Encode(const void* vector, void* code) const noexcept {
  ops_->encode(*this, vector, code);
}

float CodeSpace::Distance(const void* a, const void* b) const noexcept {
  return ops_->distance(*this, a, b);
}

void CodeSpace::Accumulate(const void* a, const void* b, size_t bytes,
                           CodeSum* sum) const noexcept {
  const CodeSum part = ops_->sum(*kernels_, a, b, bytes / ops_->item_bytes);
  sum->i8 += part.i8;
  sum->f32 += part.f32;
}

float CodeSpace::Finish(CodeHeader a, CodeHeader b, CodeSum sum) const noexcept {
  return ops_->finish(a, b, sum);
}

double CodeSpace::ErrorVariance(const void* a, const void* b, float distance) const noexcept {
  return ops_->error_variance(*this, a, b, distance);
}

float CodeSpace::ExactDistance(const void* a, const void* b) const noexcept {
  return ops_->exact_distance(*this, a, b);
}

QueryCode::QueryCode(const CodeSpace* space, const void* code) noexcept
    : space_(space), code_(code) {
  if (space->ops_->prepare != nullptr) space->ops_->prepare(*space, code, &int8_);
}

void QueryCode::Distances(const char* const* codes, size_t n, float* out) const noexcept {
  space_->ops_->distances(*this, codes, n, out);
}

}  // namespace hnswpg
