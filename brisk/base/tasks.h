#pragma once

/// Work in pieces of unequal length, which threads of their own take one after another. For loops
/// of computation there is the team of parallel.h.

#include <cstddef>
#include <functional>

namespace brisk {

/// Calls `task` with 0 to count - 1 in at most `threads` threads, this one among them. Where tasks
/// throw, the rest is left and one of their exceptions is thrown again when all threads have ended.
void run_tasks(size_t count, size_t threads, const std::function<void(size_t)>& task);

}  // namespace brisk
