// hnswlib's graph, under a name of our own.
#ifndef HNSWPG_CORE_BUILD_HNSWLIB_INDEX_H_
#define HNSWPG_CORE_BUILD_HNSWLIB_INDEX_H_

#include <hnswlib/hnswlib.h>

namespace hnswpg {

using HnswlibIndex = hnswlib::HierarchicalNSW<float>;

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_HNSWLIB_INDEX_H_
