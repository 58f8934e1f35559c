#include "core/build/link_pool.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <system_error>

namespace hnswpg {
namespace {

constexpr std::chrono::milliseconds kStepWait(10);

// Blocks every signal in this thread and in those it creates, as long as it lives: the handlers of
// the process belong to the owner's thread.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

LinkPool::LinkPool(PoolTarget* linker, size_t code_bytes, size_t slots, int threads,
                   uint32_t first_id)
    : linker_(linker),
      code_bytes_(code_bytes),
      slots_(slots),
      wake_at_(std::clamp<size_t>(slots / 2, 1, 16)),
      thread_count_(static_cast<size_t>(threads)),
      codes_(new char[slots * code_bytes]),
      levels_(new uint8_t[slots]),
      own_(code_bytes),
      pushed_(first_id),
      taken_(first_id) {
  StartThreads();
}

void LinkPool::StartThreads() {
  SignalsBlocked blocked;
  try {
    threads_.reserve(thread_count_);
    while (threads_.size() < thread_count_) threads_.emplace_back([this] { Work(); });
  } catch (const std::system_error&) {
    // The owner and the threads that there are do the work.
  } catch (...) {
    Stop();
    throw;
  }
}

void LinkPool::Push(const void* code, int level) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (pending() == slots_ && !stop_) LinkOne(&lock);
  if (stop_) return;
  size_t slot = pushed_ % slots_;
  memcpy(codes_.get() + slot * code_bytes_, code, code_bytes_);
  levels_[slot] = static_cast<uint8_t>(level);
  pushed_++;
  bool wake = sleeping_ > 0 && pending() >= wake_at_;
  lock.unlock();
  if (wake) work_.notify_one();
}

bool LinkPool::Step() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (sleeping_ > 0 && pending() > 1) work_.notify_all();
  if (!LinkOne(&lock)) {
    idle_.wait_for(lock, kStepWait, [this] { return linking_ == 0 || stop_; });
  }
  return pending() == 0 && linking_ == 0;
}

void LinkPool::Pause() {
  std::unique_lock<std::mutex> lock(mutex_);
  paused_ = true;
  idle_.wait(lock, [this] { return linking_ == 0 || stop_; });
}

void LinkPool::Resume() {
  std::lock_guard<std::mutex> lock(mutex_);
  paused_ = false;
  work_.notify_all();
}

void LinkPool::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    work_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::exception_ptr LinkPool::Failure() {
  std::lock_guard<std::mutex> lock(mutex_);
  return failure_;
}

// The life of a thread.
void LinkPool::Work() noexcept {
  try {
    Batch batch(code_bytes_);
    while (TakeNext(&batch)) LinkBatch(batch);
  } catch (...) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (failure_ == nullptr) failure_ = std::current_exception();
    stop_ = true;
    work_.notify_all();
    idle_.notify_all();
  }
}

// Hands back a batch that is linked and takes the next; false at the end.
bool LinkPool::TakeNext(Batch* batch) {
  std::unique_lock<std::mutex> lock(mutex_);
  FinishLocked(batch);
  sleeping_++;
  work_.wait(lock, [this] { return stop_ || (!paused_ && pending() > 0); });
  sleeping_--;
  if (stop_) return false;
  // Less at a time as the ring runs dry, so that nobody waits long for the last batch.
  TakeLocked(batch, std::clamp<size_t>(pending() / (2 * thread_count_), 1, kBatch));
  return true;
}

void LinkPool::TakeLocked(Batch* batch, size_t count) {
  batch->first_id = taken_;
  batch->count = count;
  for (size_t i = 0; i < count; i++) {
    size_t slot = taken_++ % slots_;
    memcpy(batch->codes.get() + i * code_bytes_, codes_.get() + slot * code_bytes_, code_bytes_);
    batch->levels[i] = levels_[slot];
  }
  linking_ += count;
}

void LinkPool::LinkBatch(const Batch& batch) {
  for (size_t i = 0; i < batch.count && !stop_; i++) {
    linker_->Link(batch.codes.get() + i * code_bytes_, batch.first_id + static_cast<uint32_t>(i),
                  batch.levels[i]);
  }
}

void LinkPool::FinishLocked(Batch* batch) {
  linking_ -= batch->count;
  batch->count = 0;
  if (linking_ == 0) idle_.notify_all();
}

// On the owner's thread, the lock released meanwhile. False when the ring is empty.
bool LinkPool::LinkOne(std::unique_lock<std::mutex>* lock) {
  if (pending() == 0 || stop_) return false;
  TakeLocked(&own_, 1);
  lock->unlock();
  LinkBatch(own_);
  lock->lock();
  FinishLocked(&own_);
  return true;
}

}  // namespace hnswpg
