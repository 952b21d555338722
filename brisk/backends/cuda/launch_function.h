#pragma once

/// One kernel onto a stream.

#include <cstdint>
#include <span>

#include "brisk/backends/cuda/code_library.h"

namespace brisk::cuda {

struct LaunchExtent {
  unsigned x = 1, y = 1, z = 1;
};

/// `arguments`: addresses of the kernel's arguments, read before it returns. Throws UserError when
/// the driver refuses.
void launch_function(const DeviceFunction& function, LaunchExtent grid, LaunchExtent block,
                     unsigned shared_bytes, StreamHandle stream, std::span<void*> arguments);

/// While one lives, this thread's kernels that wait by themselves (`DeviceFunction::waits`) are
/// given to the device while the kernel before them on the stream still runs. What these fetch
/// before they wait was there before the first of them.
class EarlyLaunches {
 public:
  EarlyLaunches();
  ~EarlyLaunches();
  EarlyLaunches(const EarlyLaunches&) = delete;
};

}  // namespace brisk::cuda
