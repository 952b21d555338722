#pragma once

/// For whom plans are made: a device, by the handle that is bound to it; or, where there is none,
/// the description of one, from which plans can be made but not run.

#include <string_view>

#include "brisk/backends/cuda/cudnn/descriptor.h"
#include "brisk/backends/cuda/device.h"

namespace brisk::cuda::cudnn {

class Target {
 public:
  /// The device's handle is shared by all targets of it that live at the same time.
  static Result<Target> of_device(const DevicePtr& device);
  /// `json`: what `device_description` gave on such a device.
  static Result<Target> described(std::string_view json);
  /// What is known of a device that is absent, for lowering without one: Hopper's numbers with the
  /// properties' own multiprocessors and memory.
  static Result<Target> described(const DeviceProperties& properties);

  /// nullptr when only described.
  Handle handle() const { return handle_.get(); }
  const Descriptor& description() const { return description_; }

 private:
  std::shared_ptr<CudnnContext> handle_;
  Descriptor description_;
};

/// cuDNN's own description of a device, JSON.
Result<std::string> device_description(const DevicePtr& device);

}  // namespace brisk::cuda::cudnn
