// Where the containers of this folder get their memory: a PostgreSQL memory context,
// or malloc in tests, that outlives them and frees everything at once. So they own
// nothing and are trivially destructible, and an error that unwinds with longjmp may
// pass over them.
#ifndef HNSWPG_CORE_MEMORY_ARENA_H_
#define HNSWPG_CORE_MEMORY_ARENA_H_

#include <cstddef>

namespace hnswpg {

struct Arena {
  // Returns `bytes` bytes holding what `old` (null at first) held; 0 bytes frees
  // it. Does not return when memory is short: it raises the error, or ends the
  // process.
  void* (*resize)(void* context, void* old, size_t bytes);
  void* context;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_MEMORY_ARENA_H_
