// What the measuring programs share: medians, and a core to themselves.
#ifndef HNSWPG_BENCH_MEASURE_H_
#define HNSWPG_BENCH_MEASURE_H_

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace hnswpg::tools {

inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

// Two threads or processes on one core, or anywhere again.
class Pinning {
 public:
  explicit Pinning(int other) : other_(other) {
    sched_getaffinity(0, sizeof all_, &all_);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
      if (!CPU_ISSET(cpu, &all_)) continue;
      CPU_SET(cpu, &one);
      break;
    }
    Set(one);
  }
  ~Pinning() { Set(all_); }
  Pinning(const Pinning&) = delete;
  Pinning& operator=(const Pinning&) = delete;

 private:
  void Set(const cpu_set_t& cpus) {
    if (sched_setaffinity(0, sizeof cpus, &cpus) != 0 ||
        sched_setaffinity(other_, sizeof cpus, &cpus) != 0) {
      std::printf("# cannot pin to a core: figures are less exact\n");
    }
  }
  int other_;
  cpu_set_t all_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_MEASURE_H_
