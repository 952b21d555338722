#pragma once

/// Memory to measure kernels on: operands filled with numbers as training has them (a constant
/// would draw less power and run faster), so that candidates are compared under real clocks.

#include <span>
#include <vector>

#include "brisk/backends/cuda/device.h"

namespace brisk::cuda {

class MeasuringMemory {
 public:
  /// `bytes`: of each tensor; every one begins at a multiple of 256 bytes.
  MeasuringMemory(const DevicePtr& device, std::span<const int64_t> bytes, int64_t workspace_bytes);
  const std::vector<DeviceAddress>& addresses() const { return addresses_; }
  DeviceAddress workspace() const { return workspace_; }

 private:
  DeviceBuffer buffer_;
  std::vector<DeviceAddress> addresses_;
  DeviceAddress workspace_ = 0;
};

}  // namespace brisk::cuda
