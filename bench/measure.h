// What the measuring programs share: medians, and cores to themselves.
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

// The last cores this program may use, the very last first. The first ones get interrupts and other
// processes' work more often.
inline std::vector<int> LastCores() {
  cpu_set_t all;
  sched_getaffinity(0, sizeof all, &all);
  std::vector<int> cores;
  for (int core = CPU_SETSIZE - 1; core >= 0; core--) {
    if (CPU_ISSET(core, &all)) cores.push_back(core);
  }
  return cores;
}

// This thread and another thread or process (0: none) on one core, or anywhere again.
class Pinning {
 public:
  explicit Pinning(int other) : Pinning(other, LastCores().front()) {}
  Pinning(int other, int core) : other_(other) {
    sched_getaffinity(0, sizeof all_, &all_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    Set(one);
  }
  ~Pinning() { Set(all_); }
  Pinning(const Pinning&) = delete;
  Pinning& operator=(const Pinning&) = delete;

 private:
  void Set(const cpu_set_t& cpus) {
    if (sched_setaffinity(0, sizeof cpus, &cpus) != 0 ||
        sched_setaffinity(other_, sizeof cpus, &cpus) != 0) {
      std::fprintf(stderr, "warning: cannot pin to a core: figures are less exact\n");
    }
  }
  int other_;
  cpu_set_t all_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_MEASURE_H_
