// The team is OpenMP's where it is compiled in (one pool a process, shared with oneDNN); without it
// a small team of persistent threads, so that sanitizers can see every synchronisation.

#include "brisk/base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#ifdef BRISK_HAVE_OPENMP
#include <omp.h>
#else
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>
#endif

namespace brisk {
namespace {

/// The hyper-threads that share a core with `cpu` ("0,4" or "0-1"), a text that names the core;
/// the cpu's own number where the kernel does not tell.
std::string core_of(int cpu) {
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                     "/topology/thread_siblings_list");
  std::string siblings;
  return std::getline(file, siblings) ? siblings : std::to_string(cpu);
}

int count_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 1;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) cores.insert(core_of(cpu));
  return std::max(1, static_cast<int>(cores.size()));
}

/// Part `part` of `parts` nearly equal, consecutive ranges of [0, count).
int64_t part_begin(int64_t count, int64_t part, int64_t parts) {
  return count / parts * part + std::min(part, count % parts);
}

int64_t num_parts(int64_t count, int threads) {
  return std::min<int64_t>(std::max(threads, 1), count);
}

void run_inline(int64_t count, int64_t parts, RangeFunction body, void* context) {
  for (int64_t part = 0; part < parts; ++part)
    body(context, part_begin(count, part, parts), part_begin(count, part + 1, parts));
}

}  // namespace

int available_cores() {
  static const int cores = count_cores();
  return cores;
}

#ifdef BRISK_HAVE_OPENMP

void set_library_threads(int threads) { omp_set_num_threads(std::max(threads, 1)); }

void parallel_for(int64_t count, int threads, RangeFunction body, void* context) {
  const int64_t parts = num_parts(count, threads);
  if (parts <= 1) return run_inline(count, parts, body, context);
    // OpenMP may give fewer threads than asked for: parts are dealt out, their borders stay.
#pragma omp parallel for num_threads(static_cast <int>(parts)) schedule(static, 1)
  for (int64_t part = 0; part < parts; ++part)
    body(context, part_begin(count, part, parts), part_begin(count, part + 1, parts));
}

#else

void set_library_threads(int) {}

namespace {

/// Persistent threads that wait for a job: a number of parts to be run, each by one thread.
class Team {
 public:
  ~Team() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    start_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void run(int64_t count, int64_t parts, RangeFunction body, void* context) {
    const std::lock_guard one_job(entry_);
    {
      std::unique_lock lock(mutex_);
      while (static_cast<int64_t>(threads_.size()) < parts - 1)
        threads_.emplace_back([this, seen = job_] { work(seen); });
      count_ = count;
      parts_ = parts;
      next_ = 0;
      unfinished_ = parts;
      body_ = body;
      context_ = context;
      ++job_;
    }
    start_.notify_all();
    run_parts();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return unfinished_ == 0; });
  }

 private:
  void work(int64_t seen) {
    while (true) {
      {
        std::unique_lock lock(mutex_);
        start_.wait(lock, [&] { return stopping_ || job_ != seen; });
        if (stopping_) return;
        seen = job_;
      }
      run_parts();
    }
  }

  /// Takes parts until none is left. A thread that comes late finds none of an old job: parts are
  /// taken under the lock together with what describes them.
  void run_parts() {
    std::unique_lock lock(mutex_);
    while (next_ < parts_) {
      const int64_t part = next_++, count = count_, parts = parts_;
      const RangeFunction body = body_;
      void* const context = context_;
      lock.unlock();
      body(context, part_begin(count, part, parts), part_begin(count, part + 1, parts));
      lock.lock();
      if (--unfinished_ == 0) done_.notify_one();
    }
  }

  std::mutex entry_;  ///< held by the caller for the length of a job
  std::mutex mutex_;
  std::condition_variable start_, done_;
  std::vector<std::thread> threads_;
  bool stopping_ = false;
  int64_t job_ = 0;
  int64_t count_ = 0, parts_ = 0, next_ = 0, unfinished_ = 0;
  RangeFunction body_ = nullptr;
  void* context_ = nullptr;
};

/// Set while a thread runs a part: a nested call runs inline.
thread_local bool inside_part = false;

struct NestedCall {
  RangeFunction body;
  void* context;
};

}  // namespace

void parallel_for(int64_t count, int threads, RangeFunction body, void* context) {
  const int64_t parts = num_parts(count, threads);
  if (parts <= 1 || inside_part) return run_inline(count, parts, body, context);
  static Team team;  // the process's one pool
  NestedCall call{body, context};
  team.run(
      count, parts,
      [](void* nested, int64_t begin, int64_t end) {
        const auto& outer = *static_cast<NestedCall*>(nested);
        inside_part = true;
        outer.body(outer.context, begin, end);
        inside_part = false;
      },
      &call);
}

#endif

}  // namespace brisk
