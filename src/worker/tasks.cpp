// When the worker looks at which index.
#include "hnswpg/worker/tasks.h"

namespace hnswpg {
namespace {

constexpr TimestampTz kMillisecond = 1000;

// Doubled from attempt to attempt.
TimestampTz Backoff(TimestampTz first, TimestampTz longest, int attempts) {
  TimestampTz delay = first;
  for (int i = 1; i < attempts && delay < longest; i++) delay *= 2;
  return std::min(delay, longest);
}

}  // namespace

void TaskList::Add(Oid index) {
  for (const Task& task : tasks_) {
    if (task.index == index) return;
  }
  tasks_.Push(Task{index, 0, 0, 0});
}

Task* TaskList::NextDue(TimestampTz now) {
  for (size_t i = 0; i < tasks_.size(); i++) {
    if (next_ >= tasks_.size()) next_ = 0;
    Task* task = &tasks_[next_++];
    if (task->due <= now) return task;
  }
  return nullptr;
}

void TaskList::Conclude(Task* task, Outcome outcome, TimestampTz now) {
  switch (outcome) {
    case Outcome::kNothingToDo:
      *task = tasks_.back();
      tasks_.Pop();
      break;
    case Outcome::kWorked:
      task->attempts = 0;
      task->last_error = 0;
      task->due = now;
      break;
    case Outcome::kGaveWay:
      task->due = now + Backoff(100 * kMillisecond, 1000 * kMillisecond, ++task->attempts);
      break;
    case Outcome::kFailed:
      task->due = now + Backoff(1000 * kMillisecond, 5 * USECS_PER_MINUTE, ++task->attempts);
      break;
  }
}

TimestampTz TaskList::NextTime(TimestampTz otherwise) const {
  for (const Task& task : tasks_) otherwise = std::min(otherwise, task.due);
  return otherwise;
}

}  // namespace hnswpg
