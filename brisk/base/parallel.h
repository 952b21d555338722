#pragma once

/// The one team of computing threads of a process (OpenMP's, shared with oneDNN).

#include <cstdint>

namespace brisk {

/// Physical cores this process may use (affinity respected; hyper-threads count once).
int available_cores();

/// How many threads of the team libraries that share it (oneDNN) use when called from this thread.
void set_library_threads(int threads);

/// Calls `body(context, begin, end)` over a static partition of [0, count), in at most `threads`
/// threads of the team; a partition depends on (count, threads) alone. Runs inline when threads is
/// 1 or count < 2. `body` must not throw.
using RangeFunction = void (*)(void* context, int64_t begin, int64_t end);
void parallel_for(int64_t count, int threads, RangeFunction body, void* context);

template <typename F>
void parallel_for(int64_t count, int threads, F&& body) {
  parallel_for(
      count, threads,
      [](void* context, int64_t begin, int64_t end) { (*static_cast<F*>(context))(begin, end); },
      &body);
}

}  // namespace brisk
