// Which spaces there are.
#ifndef HNSWPG_CORE_SPACE_REGISTRY_H_
#define HNSWPG_CORE_SPACE_REGISTRY_H_

#include "hnswpg/core/space/kind.h"

namespace hnswpg {

struct SpaceOps;

// Null where there is none. It lives as long as the process.
const SpaceOps* FindSpace(const SpaceKind& kind) noexcept;

}  // namespace hnswpg

#endif  // HNSWPG_CORE_SPACE_REGISTRY_H_
