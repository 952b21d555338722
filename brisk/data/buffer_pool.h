#pragma once

/// Memory of batches, used again: a batch's bytes come back when the last tensor that shares them
/// is gone. Asking the system anew for tens of megabytes a batch would cost page faults worth more
/// than computing them.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "brisk/base/tensor.h"

namespace brisk {

/// May be used from several threads; outlives what it handed out.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  static std::shared_ptr<BufferPool> create();
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// A tensor of uninitialised memory that returns here; a block of at least the needed size and
  /// at most twice as much is taken where one lies idle.
  Tensor tensor(DType type, std::vector<int64_t> sizes);

 private:
  struct Block {
    std::shared_ptr<std::byte[]> memory;
    int64_t bytes;
  };
  BufferPool() = default;
  Block take(int64_t bytes);
  void put_back(Block block);

  std::mutex mutex_;
  std::vector<Block> idle_;
};

}  // namespace brisk
