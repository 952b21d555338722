#pragma once

/// The order a shuffle gives: tf.data's buffer, played with indices instead of data. A whole
/// epoch's order is computed at once (about 10 ns an element, 4 bytes each), so that any position
/// of it can be read and resumed at no cost.

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace brisk {

/// order[i] is the input's position of the i-th output: a permutation of 0..size-1 with
/// order[i] < i + buffer_size. 0 <= size < 2^32, buffer_size >= 1.
std::vector<uint32_t> shuffle_order(int64_t size, int64_t buffer_size, uint64_t key);

/// Orders of recent iterations; may be used from several threads.
class ShuffleOrders {
 public:
  ShuffleOrders(int64_t size, int64_t buffer_size, uint64_t key)
      : size_(size), buffer_size_(buffer_size), key_(key) {}

  /// The order of one iteration, from shuffle_order(..., fold_key(key, iteration)).
  std::shared_ptr<const std::vector<uint32_t>> order(int64_t iteration);

 private:
  struct Kept {
    int64_t iteration;
    int64_t last_use;
    std::shared_ptr<const std::vector<uint32_t>> order;
  };
  const int64_t size_;
  const int64_t buffer_size_;
  const uint64_t key_;
  std::mutex mutex_;
  std::vector<Kept> kept_;
  int64_t clock_ = 0;
};

}  // namespace brisk
