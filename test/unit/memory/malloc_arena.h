// Memory for core's containers in tests. Everything is freed with the object.
#ifndef HNSWPG_TEST_UNIT_MALLOC_ARENA_H_
#define HNSWPG_TEST_UNIT_MALLOC_ARENA_H_

#include <cstdlib>
#include <set>

#include "hnswpg/core/memory/arena.h"

namespace hnswpg {

class MallocArena {
 public:
  ~MallocArena() {
    for (void* block : blocks_) free(block);
  }
  Arena arena() { return Arena{Resize, this}; }

 private:
  static void* Resize(void* context, void* old, size_t bytes) {
    auto* self = static_cast<MallocArena*>(context);
    self->blocks_.erase(old);
    if (bytes == 0) {
      free(old);
      return nullptr;
    }
    void* block = realloc(old, bytes);
    if (block == nullptr) abort();
    self->blocks_.insert(block);
    return block;
  }
  std::set<void*> blocks_;
};

}  // namespace hnswpg

#endif  // HNSWPG_TEST_UNIT_MALLOC_ARENA_H_
