// Shows codes to hnswlib as a space, so that hnswlib computes the same distances as everything
// else.
#ifndef HNSWPG_CORE_BUILD_HNSWLIB_SPACE_H_
#define HNSWPG_CORE_BUILD_HNSWLIB_SPACE_H_

#include <hnswlib/hnswlib.h>

#include <cstddef>

#include "hnswpg/core/space/code.h"

namespace hnswpg {

// An index keeps a pointer into the space: the space must outlive it.
class HnswlibSpace : public hnswlib::SpaceInterface<float> {
 public:
  // data_bytes >= codes.code_bytes(): what hnswlib copies for each element.
  HnswlibSpace(const CodeSpace& codes, size_t data_bytes)
      : codes_(codes), data_bytes_(data_bytes) {}
  explicit HnswlibSpace(const CodeSpace& codes) : HnswlibSpace(codes, codes.code_bytes()) {}

  const CodeSpace& codes() const { return codes_; }

  size_t get_data_size() override { return data_bytes_; }
  hnswlib::DISTFUNC<float> get_dist_func() override { return &Distance; }
  void* get_dist_func_param() override { return &codes_; }

 private:
  static float Distance(const void* a, const void* b, const void* codes) {
    return static_cast<const CodeSpace*>(codes)->Distance(a, b);
  }

  CodeSpace codes_;
  size_t data_bytes_;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_HNSWLIB_SPACE_H_
