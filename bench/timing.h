// How long something takes, in seconds that pass and in seconds of CPU.
#ifndef HNSWPG_BENCH_TIMING_H_
#define HNSWPG_BENCH_TIMING_H_

#include <time.h>

#include <chrono>
#include <string>

#include "../test/oracle/vector_file.h"

namespace hnswpg::tools {

// Seconds that pass while `body` runs.
template <class Body>
double Seconds(Body body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Seconds of CPU that a process (0: this one) uses while `body` runs. Where nothing is read from
// disk that is the time it takes on an idle machine, and it stays the same on a busy one.
template <class Body>
double CpuSeconds(pid_t pid, Body body) {
  clockid_t clock;
  if (clock_getcpuclockid(pid, &clock) != 0) Fail("no CPU clock of process " + std::to_string(pid));
  const auto now = [clock] {
    timespec time;
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double start = now();
  body();
  return now() - start;
}

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_TIMING_H_
