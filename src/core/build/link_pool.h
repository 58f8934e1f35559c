// Threads that link elements, and the queue that feeds them.
//
// A ring of codes lies between the owner's thread, which pushes, and the pool's threads, which take
// a few codes at a time into buffers of their own and link them. The owner links too, when the ring
// is full and in Step. Elements are numbered in the order of the pushes, from first_id on.
//
// One mutex guards the ring and the counts; it is held to copy codes, never while linking. Threads
// sleep while the ring is empty and are woken when a batch has gathered, or by Step, Resume and
// Stop. Every signal is blocked in the threads. Only the owner's thread may call the public
// members.
//
// An exception in a thread stops all of them and is kept for Failed(). An exception while the owner
// links leaves through Push or Step; the owner stops the pool then.
#ifndef HNSWPG_CORE_BUILD_LINK_POOL_H_
#define HNSWPG_CORE_BUILD_LINK_POOL_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace hnswpg {

// What links one element; called by all threads at once.
class PoolTarget {
 public:
  virtual ~PoolTarget() = default;
  virtual void Link(const void* code, uint32_t id, int level) = 0;
};

class LinkPool {
 public:
  // code_bytes: of every code pushed. At least one slot. `threads` besides the owner's; where the
  // system refuses threads there are fewer. Raises std::bad_alloc.
  LinkPool(PoolTarget* linker, size_t code_bytes, size_t slots, int threads, uint32_t first_id = 0);
  ~LinkPool() { Stop(); }
  LinkPool(const LinkPool&) = delete;
  LinkPool& operator=(const LinkPool&) = delete;

  // Copies the code of the next element; links an element first when the ring is full.
  void Push(const void* code, int level);

  // Links one element, or waits at most 10 ms for the threads. True when all pushed are linked.
  bool Step();

  // Returns when no thread links; none will begin to before Resume.
  void Pause();
  void Resume();

  // Ends the threads; each finishes the element it is linking, the rest is dropped. Repeatable.
  void Stop();

  // What ended a thread, or null.
  std::exception_ptr Failure();

 private:
  static constexpr size_t kBatch = 4;

  // Codes that a thread has taken out of the ring. Levels are at most 255.
  struct Batch {
    explicit Batch(size_t code_bytes) : codes(new char[kBatch * code_bytes]) {}
    std::unique_ptr<char[]> codes;
    uint8_t levels[kBatch];
    uint32_t first_id = 0;
    size_t count = 0;
  };

  void StartThreads();
  void Work() noexcept;
  bool TakeNext(Batch* batch);
  void TakeLocked(Batch* batch, size_t count);
  void LinkBatch(const Batch& batch);
  void FinishLocked(Batch* batch);
  bool LinkOne(std::unique_lock<std::mutex>* lock);
  size_t pending() const { return pushed_ - taken_; }

  PoolTarget* const linker_;
  const size_t code_bytes_;
  const size_t slots_;
  const size_t wake_at_;       // codes that make waking a thread worth it
  const size_t thread_count_;  // that were asked for
  std::unique_ptr<char[]> codes_;
  std::unique_ptr<uint8_t[]> levels_;
  Batch own_;  // of the owner's thread

  std::mutex mutex_;
  std::condition_variable work_;  // for the threads: something to take, or stop
  std::condition_variable idle_;  // for the owner: nobody links
  uint32_t pushed_;               // the id of the next to be pushed
  uint32_t taken_;                // the id of the next to be taken
  size_t linking_ = 0;            // taken and not yet linked
  size_t sleeping_ = 0;           // threads that wait for work_
  bool paused_ = false;
  std::exception_ptr failure_;
  std::atomic<bool> stop_{false};

  std::vector<std::thread> threads_;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_BUILD_LINK_POOL_H_
