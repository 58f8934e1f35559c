// When the worker looks at which index.
#include "worker/tasks.h"

namespace hnswpg {

void TaskList::Add(Oid index) {
  for (const Task& task : tasks_) {
    if (task.index == index) return;
  }
  tasks_.Push(Task{index, 0, 0, 0});
}

Task* TaskList::NextDue(Microseconds now) {
  for (size_t i = 0; i < tasks_.size(); i++) {
    if (next_ >= tasks_.size()) next_ = 0;
    Task* task = &tasks_[next_++];
    if (task->due <= now) return task;
  }
  return nullptr;
}

void TaskList::Conclude(Task* task, Outcome outcome, Microseconds now) {
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
      task->due = now + Backoff(100 * kMillisecond, kSecond, ++task->attempts);
      break;
    case Outcome::kFailed:
      task->due = now + Backoff(kSecond, 5 * kMinute, ++task->attempts);
      break;
  }
}

Microseconds TaskList::NextTime(Microseconds otherwise) const {
  for (const Task& task : tasks_) otherwise = std::min(otherwise, task.due);
  return otherwise;
}

}  // namespace hnswpg
