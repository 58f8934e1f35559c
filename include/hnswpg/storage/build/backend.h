// Who links the graph of a new index while its table is read: threads of this process today.
// Another machine, or a file that has the graph already, stands behind the same calls: ambuild
// gives codes, and gets a graph to write to pages.
//
// Life: Add ids 0, 1, 2, ..., Link, Complete, read the graph, Stop. Stop is allowed at any moment
// and must be called, whatever ends the build (error, cancel, FATAL): what is behind these calls
// is not the server's, and no memory context frees it.
#ifndef HNSWPG_STORAGE_BUILD_BACKEND_H_
#define HNSWPG_STORAGE_BUILD_BACKEND_H_

#include "hnswpg/core/build/built_graph.h"
#include "hnswpg/storage/page/index.h"

namespace hnswpg {

class BuildBackend {
 public:
  // Takes a copy of the code of the next element, whose id is the number of those taken so far.
  // False: it was not taken, since there is no memory for it, and none will be. Raises what
  // went wrong with those taken before. Returns within milliseconds, but for growth.
  virtual bool Add(const void* code) = 0;
  virtual uint32_t size() const = 0;       // elements taken
  virtual size_t memory_used() const = 0;  // in this process, bytes
  // What memory_used() may be for so many, in the end.
  virtual size_t MemoryNeeded(size_t elements) const = 0;

  // Waits until all are linked; answers interrupts. Of the graph, size and IsBlind hold then.
  virtual const BuiltGraph& Link() = 0;
  // After Link: every element can be reached from the entry point, and has a parent. `pack`:
  // numbers the elements anew, so that those which are near each other share pages. Answers
  // interrupts. The graph that Link returned is complete then.
  virtual void Complete(bool pack) = 0;

  // Ends it all. A second call does nothing. Raises nothing, and may run while the process
  // exits.
  virtual void Stop() = 0;

 protected:
  ~BuildBackend() = default;
};

// Memory that the caller has of each element beside the graph, out of maintenance_work_mem:
// until all are linked, and after that.
struct BytesBeside {
  size_t linking;
  size_t linked;
};

// Threads of this process, as many as there may be parallel workers, and the caller's own. Within
// maintenance_work_mem. In the current memory context, which outlives it, as `index` does. Raises
// ERRCODE_OUT_OF_MEMORY.
BuildBackend* LinkHere(const HnswIndex* index, size_t expected, BytesBeside beside);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_BUILD_BACKEND_H_
