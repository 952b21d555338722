#pragma once

/// The constants of a program's graphs, regions included, in the device's memory: collected while
/// schedules are made, placed once.

#include <string>
#include <vector>

#include "brisk/backends/cuda/device.h"
#include "brisk/base/tensor.h"

namespace brisk::cuda {

class ConstantPool {
 public:
  /// Its number for `address`; equal bytes are kept once.
  size_t add(const Tensor& value);
  int64_t bytes() const { return bytes_; }
  /// Copies everything to `base`, which has `bytes()` bytes.
  void place(DeviceAddress base, Stream& stream);
  DeviceAddress address(size_t number) const {
    return base_ + static_cast<DeviceAddress>(offsets_[number]);
  }

 private:
  std::vector<Tensor> values_;
  std::vector<int64_t> offsets_;
  int64_t bytes_ = 0;
  DeviceAddress base_ = 0;
};

}  // namespace brisk::cuda
