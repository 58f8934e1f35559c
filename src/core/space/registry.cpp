#include "core/space/registry.h"

#include "core/space/space_ops.h"

namespace hnswpg {

const SpaceOps* FindSpace(const SpaceKind& kind) noexcept {
  for (const std::span<const SpaceOps>& spaces :
       {kFloat32Spaces, kFloat16Spaces, kInt8Spaces, kBitSpaces}) {
    for (const SpaceOps& space : spaces) {
      if (space.kind == kind) return &space;
    }
  }
  return nullptr;
}

}  // namespace hnswpg
