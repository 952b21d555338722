#pragma once

/// One arena for all intermediate values: buffers whose lifetimes do not overlap share memory.

#include <cstdint>
#include <span>
#include <vector>

namespace brisk {

/// A buffer needed from step `first` to step `last`, both included.
struct BufferLifetime {
  int64_t bytes = 0;
  int first = 0, last = 0;
};

struct MemoryPlan {
  std::vector<int64_t> offsets;  ///< one per buffer, multiples of the alignment
  int64_t total_bytes = 0;
};

/// Greedy by size: the largest buffer first, each at the lowest offset that is free during its
/// lifetime (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).
MemoryPlan plan_memory(std::span<const BufferLifetime> buffers, int64_t alignment = 64);

}  // namespace brisk
