#include "brisk/runtime/lower/plan_memory.h"

#include <algorithm>
#include <numeric>

namespace brisk {

MemoryPlan plan_memory(std::span<const BufferLifetime> buffers, int64_t alignment) {
  MemoryPlan plan;
  plan.offsets.assign(buffers.size(), 0);
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  const auto rounded = [&](int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; };
  std::vector<size_t> placed;  // ascending by offset
  for (const size_t i : order) {
    int64_t offset = 0;
    for (const size_t other : placed) {
      const bool overlap = buffers[i].first <= buffers[other].last && buffers[other].first <= buffers[i].last;
      if (!overlap) continue;
      if (plan.offsets[other] >= offset + rounded(buffers[i].bytes)) break;  // the gap before it suffices
      offset = std::max(offset, plan.offsets[other] + rounded(buffers[other].bytes));
    }
    plan.offsets[i] = offset;
    plan.total_bytes = std::max(plan.total_bytes, offset + rounded(buffers[i].bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), offset,
                                   [&](int64_t value, size_t other) { return value < plan.offsets[other]; }),
                  i);
  }
  return plan;
}

}  // namespace brisk
