#pragma once

/// Which steps of a schedule must end before another one may begin, read off the memory that each
/// of them touches: whatever shares memory, a state that is updated in place or a buffer that was
/// given to another value, is in order; the rest may run at the same time.

#include <cstddef>
#include <span>
#include <vector>

#include "brisk/backends/cuda/device.h"

namespace brisk::cuda {

struct MemoryRange {
  DeviceAddress begin = 0;
  int64_t bytes = 0;
};

/// What a step touches. What it both reads and writes stands in both.
struct StepAccess {
  std::vector<MemoryRange> reads, writes;
};

/// For each step the earlier ones that it waits for, in ascending order: those that wrote what it
/// reads or writes and those that read what it writes, but for those that another one of them
/// waits for.
std::vector<std::vector<size_t>> step_dependencies(std::span<const StepAccess> steps);

}  // namespace brisk::cuda
