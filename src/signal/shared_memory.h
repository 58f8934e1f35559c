// A structure in the server's shared memory, which the first process that asks for it
// makes. There may be no memory left for it, and another version of this module may
// have made it: to both the answer is that there is none.
#ifndef HNSWPG_SIGNAL_SHARED_MEMORY_H_
#define HNSWPG_SIGNAL_SHARED_MEMORY_H_

#include "hnswpg/postgres/server.h"

namespace hnswpg {

struct SharedStructure {
  const char* name;
  // Other words wherever another version of the code reads other bytes.
  const char* layout;
  size_t bytes;
  void (*init)(void* memory);  // raises nothing
};

// What every such structure begins with.
struct SharedHead {
  char layout[32];
};

// Attaches to the structure, and makes it if need be. Null: there is none; a session
// says so in the log once. Takes and releases AddinShmemInitLock; raises nothing, and
// may be asked again.
SharedHead* AttachShared(const SharedStructure& structure);

}  // namespace hnswpg

#endif  // HNSWPG_SIGNAL_SHARED_MEMORY_H_
