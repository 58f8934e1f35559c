// The indexes that the worker has to look at, and when.
#ifndef HNSWPG_WORKER_TASKS_H_
#define HNSWPG_WORKER_TASKS_H_

#include "hnswpg/core/memory/pod_vector.h"
#include "hnswpg/postgres/clock.h"
#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// What came of working on an index.
enum class Outcome {
  kNothingToDo,
  kWorked,   // there may be more
  kGaveWay,  // somebody else wants the index, or has it
  kFailed,
};

struct Task {
  Oid index;
  Microseconds due;
  int attempts;       // failed, or given way, one after another
  uint32 last_error;  // worker/guard.h
  // Of an index that is not valid: until when it is waited for.
  Microseconds await_until = kNever;
};

class TaskList {
 public:
  explicit TaskList(MemoryContext context) : tasks_(ContextArena(context)) {}

  // The index is to be looked at now, unless it is being waited for already.
  void Add(Oid index);

  // A task that is due, null if none is. Valid until the next call.
  Task* NextDue(Microseconds now);

  // Removes the task, or says when it is due again.
  void Conclude(Task* task, Outcome outcome, Microseconds now);

  bool empty() const { return tasks_.empty(); }
  // When the next is due, `otherwise` if that is earlier.
  Microseconds NextTime(Microseconds otherwise) const;

 private:
  PodVector<Task> tasks_;
  size_t next_ = 0;  // where to look first: all have their turn
};

}  // namespace hnswpg

#endif  // HNSWPG_WORKER_TASKS_H_
