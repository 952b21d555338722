#include "brisk/data/shuffle_order.h"

#include <algorithm>
#include <numeric>

#include "brisk/base/philox.h"

namespace brisk {
namespace {

/// Uniform numbers below 32-bit bounds, a Philox block at a time (Lemire, "Fast random integer
/// generation in an interval", 2019: multiply, keep the high half, reject the few low ones that
/// would be drawn once too often).
class BoundedDraw {
 public:
  explicit BoundedDraw(uint64_t key)
      : key_{static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)} {}

  uint32_t below(uint32_t bound) {
    uint64_t product = uint64_t{word()} * bound;
    if (static_cast<uint32_t>(product) < bound) {
      const uint32_t threshold = -bound % bound;
      while (static_cast<uint32_t>(product) < threshold) product = uint64_t{word()} * bound;
    }
    return static_cast<uint32_t>(product >> 32);
  }

 private:
  uint32_t word() {
    if (used_ == 4) {
      block_ = philox4x32(
          key_, {static_cast<uint32_t>(counter_), static_cast<uint32_t>(counter_ >> 32), 0, 0});
      ++counter_;
      used_ = 0;
    }
    return block_[used_++];
  }

  std::array<uint32_t, 2> key_;
  uint64_t counter_ = 0;
  PhiloxBlock block_{};
  size_t used_ = 4;
};

// Orders kept, in elements: a few epochs of a large dataset, many of a tiny one that a batch
// straddles.
constexpr int64_t kKeptElements = int64_t{1} << 24;

}  // namespace

std::vector<uint32_t> shuffle_order(int64_t size, int64_t buffer_size, uint64_t key) {
  std::vector<uint32_t> order(static_cast<size_t>(size));
  std::vector<uint32_t> buffer(static_cast<size_t>(std::min(size, buffer_size)));
  std::iota(buffer.begin(), buffer.end(), 0u);
  auto next = static_cast<uint32_t>(buffer.size());
  BoundedDraw draw(key);
  for (uint32_t& element : order) {
    const uint32_t slot = draw.below(static_cast<uint32_t>(buffer.size()));
    element = buffer[slot];
    if (next < size) {
      buffer[slot] = next++;
    } else {
      buffer[slot] = buffer.back();
      buffer.pop_back();
    }
  }
  return order;
}

std::shared_ptr<const std::vector<uint32_t>> ShuffleOrders::order(int64_t iteration) {
  // Computed under the lock: whoever asks meanwhile wants the same order.
  const std::lock_guard lock(mutex_);
  ++clock_;
  for (Kept& kept : kept_) {
    if (kept.iteration != iteration) continue;
    kept.last_use = clock_;
    return kept.order;
  }
  const int64_t capacity = std::max<int64_t>(2, kKeptElements / std::max<int64_t>(size_, 1 << 12));
  if (static_cast<int64_t>(kept_.size()) >= capacity) {
    kept_.erase(std::min_element(kept_.begin(), kept_.end(), [](const Kept& a, const Kept& b) {
      return a.last_use < b.last_use;
    }));
  }
  const uint64_t key = fold_key(key_, static_cast<uint64_t>(iteration));
  kept_.push_back(
      {iteration, clock_,
       std::make_shared<const std::vector<uint32_t>>(shuffle_order(size_, buffer_size_, key))});
  return kept_.back().order;
}

}  // namespace brisk
