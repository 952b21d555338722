#pragma once

/// A kernel whose shared memory is given when it is launched, more than 48 KiB too.

#include <span>
#include <vector>

#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda {

class SharedKernel {
 public:
  SharedKernel() = default;
  /// `number`: of the code library. No blocks: nothing is launched.
  SharedKernel(size_t number, int64_t blocks, int32_t threads, int64_t shared_bytes)
      : number_(number), blocks_(blocks), threads_(threads), shared_bytes_(shared_bytes) {}
  void load(const CodeLibrary& code);
  /// `addresses`: all of the kernel's arguments.
  void enqueue(std::vector<DeviceAddress> addresses, StreamHandle stream) const;
  /// `arguments`: where all of the kernel's arguments lie, read before it returns.
  void enqueue(std::span<void*> arguments, StreamHandle stream) const;

 private:
  size_t number_ = 0;
  int64_t blocks_ = 0;
  int32_t threads_ = 0;
  int64_t shared_bytes_ = 0;
  DeviceFunction function_;
};

/// Operands, then results.
std::vector<DeviceAddress> addresses_of(const LaunchArguments& arguments);

}  // namespace brisk::cuda
