// LinkPool with linkers that watch how they are called.
#include "core/build/link_pool.h"

#include <signal.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

namespace hnswpg {
namespace {

using std::chrono::milliseconds;

// Counts, and checks that code, level and id belong together.
class Watcher : public PoolTarget {
 public:
  explicit Watcher(size_t n) : linked(n) {}

  void Link(const void* code, uint32_t id, int level) override {
    running++;
    if (*static_cast<const uint32_t*>(code) != id * 7 || level != static_cast<int>(id % 41))
      wrong++;
    if (std::this_thread::get_id() != owner && !AllBlocked()) unblocked++;
    if (id == fail_at) throw std::runtime_error("planted");
    if (id >= hold_from) AwaitFailure();
    std::this_thread::sleep_for(work);
    linked[id]++;
    running--;
  }

  // Returns when the pool knows of a failure, or after ten seconds.
  void AwaitFailure() {
    for (int i = 0; i < 10000 && pool->Failure() == nullptr; i++) {
      std::this_thread::sleep_for(milliseconds(1));
    }
  }

  int Total() const { return std::accumulate(linked.begin(), linked.end(), 0); }

  static bool AllBlocked() {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for (int signal : {SIGINT, SIGTERM, SIGUSR1, SIGALRM, SIGHUP}) {
      if (!sigismember(&mask, signal)) return false;
    }
    return true;
  }

  std::vector<std::atomic<int>> linked;
  std::atomic<int> running{0}, wrong{0}, unblocked{0};
  uint32_t fail_at = UINT32_MAX, hold_from = UINT32_MAX;
  LinkPool* pool = nullptr;  // for hold_from
  milliseconds work{0};
  const std::thread::id owner = std::this_thread::get_id();
};

void Push(LinkPool* pool, uint32_t id) {
  uint32_t code = id * 7;
  pool->Push(&code, static_cast<int>(id % 41));
}

TEST_CASE("link pool: every element once, with its own code and level") {
  for (int threads : {0, 1, 3}) {
    for (size_t slots : {1, 2, 7, 300}) {
      Watcher watcher(3000);
      LinkPool pool(&watcher, sizeof(uint32_t), slots, threads);
      for (uint32_t i = 0; i < 3000; i++) Push(&pool, i);
      while (!pool.Step()) {
      }
      CHECK(watcher.wrong == 0);
      CHECK(watcher.unblocked == 0);
      for (const auto& count : watcher.linked) REQUIRE(count == 1);
      CHECK(pool.Failure() == nullptr);
    }
  }
  CHECK(!Watcher::AllBlocked());
}

TEST_CASE("link pool: the threads work while the owner does not call") {
  Watcher watcher(64);
  LinkPool pool(&watcher, sizeof(uint32_t), 64, 1);
  for (uint32_t i = 0; i < 64; i++) Push(&pool, i);
  for (int i = 0; i < 10000 && watcher.linked[40] == 0; i++) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  CHECK(watcher.linked[40] == 1);
}

TEST_CASE("link pool: nothing runs between Pause and Resume") {
  Watcher watcher(200);
  watcher.work = milliseconds(1);
  LinkPool pool(&watcher, sizeof(uint32_t), 200, 3);
  for (uint32_t i = 0; i < 200; i++) Push(&pool, i);
  for (int round = 0; round < 5; round++) {
    pool.Pause();
    CHECK(watcher.running == 0);
    std::this_thread::sleep_for(milliseconds(3));
    CHECK(watcher.running == 0);
    pool.Resume();
    std::this_thread::sleep_for(milliseconds(2));
  }
  while (!pool.Step()) {
  }
  for (const auto& count : watcher.linked) REQUIRE(count == 1);
}

// How many of 500 elements two threads still link while Stop is called.
int LinkedDuringStop() {
  Watcher watcher(500);
  watcher.work = milliseconds(50);
  LinkPool pool(&watcher, sizeof(uint32_t), 500, 2);
  for (uint32_t i = 0; i < 500; i++) Push(&pool, i);
  std::this_thread::sleep_for(milliseconds(10));
  int before = watcher.Total();
  pool.Stop();
  int linked = watcher.Total() - before;
  CHECK(watcher.running == 0);
  CHECK(watcher.linked[499] == 0);
  pool.Stop();
  return linked;
}

TEST_CASE("link pool: Stop does not wait for what is queued") {
  // One for each thread, or two if that was just done. On a busy machine the owner may lose its
  // processor before Stop has begun; not five times running.
  int linked = LinkedDuringStop();
  for (int i = 0; i < 4 && linked > 4; i++) linked = LinkedDuringStop();
  CHECK(linked <= 4);
}

TEST_CASE("link pool: an exception in a thread ends all and is kept") {
  Watcher watcher(1000);
  watcher.fail_at = 3;
  LinkPool pool(&watcher, sizeof(uint32_t), 100, 2);
  // The thread that has number 3 may lose its processor before it fails. The others wait for it.
  watcher.hold_from = 500;
  watcher.pool = &pool;
  bool thrown = false;
  try {
    for (uint32_t i = 0; i < 1000; i++) Push(&pool, i);
    for (int i = 0; i < 1000 && pool.Failure() == nullptr; i++) pool.Step();
  } catch (const std::runtime_error&) {
    thrown = true;  // the owner had number 3
  }
  CHECK((thrown || pool.Failure() != nullptr));
  pool.Stop();
  // Two threads and the owner may have been linking. Nothing begins after the failure.
  CHECK(watcher.Total() <= 502);
}

TEST_CASE("link pool: an exception on the owner's thread reaches the owner") {
  Watcher watcher(10);
  watcher.fail_at = 0;
  LinkPool pool(&watcher, sizeof(uint32_t), 10, 0);
  Push(&pool, 0);
  CHECK_THROWS_AS(pool.Step(), std::runtime_error);
}

}  // namespace
}  // namespace hnswpg
