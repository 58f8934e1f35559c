// How much memory a build takes: the most that was in use at any moment beyond what was in use
// before it. Counted are
//   - private memory of the process that builds and of its parallel workers (RssAnon of
//     /proc/PID/status), and
//   - those pages of dynamic shared memory that they really touched (Pss of such mappings in
//     /proc/PID/smaps, which counts a shared page once over all of them).
// Not counted are shared buffers, which all sessions have in common, and pages of files.
// Private memory is looked at every 20 ms. Going through mappings is work for the kernel, so these
// are looked at more rarely; what a build puts there stays until it ends.
#ifndef HNSWPG_BENCH_MEMORY_H_
#define HNSWPG_BENCH_MEMORY_H_

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>

namespace hnswpg::tools {

namespace memory_detail {

inline std::string ProcPath(pid_t pid, const char* file) {
  return "/proc/" + (pid == 0 ? "self" : std::to_string(pid)) + "/" + file;
}

// The number behind a name at the beginning of a line of a file, or 0.
inline double NumberIn(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(name, 0) == 0) return std::atof(line.c_str() + name.size());
  }
  return 0;
}

inline double PrivateBytes(pid_t pid) {
  return 1024 * NumberIn(ProcPath(pid, "status"), "RssAnon:");
}

inline double DynamicSharedBytes(pid_t pid) {
  std::ifstream file(ProcPath(pid, "smaps"));
  bool counts = false;
  double bytes = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("Pss:", 0) == 0) {
      if (counts) bytes += 1024 * std::atof(line.c_str() + 4);
    } else if (line.find('-') < line.find(' ')) {  // the head of a mapping
      counts = line.find("/dev/shm/PostgreSQL.") != std::string::npos ||
               line.find("pg_dynshmem/") != std::string::npos;
    }
  }
  return bytes;
}

inline double CpuOf(pid_t pid) {
  clockid_t clock;
  timespec time;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return -1;
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace memory_detail

// Watches a process (0: this one), and the parallel workers of a backend, while it lives.
class BuildWatch {
 public:
  explicit BuildWatch(pid_t pid)
      : pid_(pid),
        postmaster_(pid == 0 ? 0
                             : static_cast<pid_t>(memory_detail::NumberIn(
                                   memory_detail::ProcPath(pid, "status"), "PPid:"))),
        before_(memory_detail::PrivateBytes(pid)),
        cpu_before_(memory_detail::CpuOf(pid)),
        thread_([this] { Watch(); }) {}
  ~BuildWatch() { Stop(); }
  BuildWatch(const BuildWatch&) = delete;
  BuildWatch& operator=(const BuildWatch&) = delete;

  // To be called before the figures are asked for, as soon as the build has ended.
  void Stop() {
    if (!thread_.joinable()) return;
    stop_ = true;
    thread_.join();
    cpu_ = memory_detail::CpuOf(pid_) - cpu_before_ - (pid_ == 0 ? own_cpu_ : 0);
    for (const auto& [pid, worker] : workers_) cpu_ += worker.cpu;
  }
  double peak() const { return peak_; }
  double cpu() const { return cpu_; }
  // How many parallel workers used CPU at all.
  int workers() const {
    int count = 0;
    for (const auto& [pid, worker] : workers_) count += worker.cpu > 0.01;
    return count;
  }

 private:
  struct Worker {
    double cpu = 0;
  };

  void Watch() {
    using Clock = std::chrono::steady_clock;
    double shared = 0;
    Clock::time_point next_mappings = Clock::now();
    for (; !stop_; usleep(20000)) {
      FindWorkers();
      double bytes = memory_detail::PrivateBytes(pid_) - before_;
      bool has_worker = false;
      for (auto& [pid, worker] : workers_) {
        const double cpu = memory_detail::CpuOf(pid);
        if (cpu < 0) continue;
        has_worker = true;
        worker.cpu = cpu;
        bytes += std::max(0.0, memory_detail::PrivateBytes(pid) - before_);
      }
      if (pid_ != 0 && Clock::now() >= next_mappings) {
        const Clock::time_point start = Clock::now();
        double sum = memory_detail::DynamicSharedBytes(pid_);
        for (const auto& [pid, worker] : workers_) sum += memory_detail::DynamicSharedBytes(pid);
        shared = has_worker ? sum : 0;
        const Clock::time_point end = Clock::now();
        next_mappings =
            end + std::max<Clock::duration>(std::chrono::milliseconds(100), 50 * (end - start));
      }
      peak_ = std::max(peak_, bytes + (has_worker ? shared : 0));
    }
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    own_cpu_ = static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }

  // Children of the postmaster that call themselves our parallel workers. What another process is
  // called does not change once it works, so each is asked once.
  void FindWorkers() {
    if (postmaster_ == 0) return;
    const std::string postmaster = std::to_string(postmaster_);
    std::ifstream children("/proc/" + postmaster + "/task/" + postmaster + "/children");
    for (pid_t pid; children >> pid;) {
      if (pid == pid_ || workers_.count(pid) > 0 || others_[pid] > 20) continue;
      std::ifstream file(memory_detail::ProcPath(pid, "cmdline"));
      std::string title;
      std::getline(file, title);
      const std::string wanted = "parallel worker for PID " + std::to_string(pid_);
      const size_t at = title.find(wanted);
      const bool is_ours =
          at != std::string::npos &&
          !std::isdigit(static_cast<unsigned char>(title.c_str()[at + wanted.size()]));
      if (is_ours) {
        workers_[pid] = {};
      } else {
        others_[pid]++;
      }
    }
  }

  const pid_t pid_, postmaster_;
  const double before_, cpu_before_;
  std::map<pid_t, Worker> workers_;
  std::map<pid_t, int> others_;  // how often they were asked what they are
  double peak_ = 0, cpu_ = 0, own_cpu_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;  // last: everything is there when it begins
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_MEMORY_H_
