#pragma once

/// One kernel onto a stream.

#include <cstdint>
#include <span>

#include "brisk/backends/cuda/device.h"

namespace brisk::cuda {

struct LaunchExtent {
  unsigned x = 1, y = 1, z = 1;
};

/// `arguments`: addresses of the kernel's arguments, read before it returns. Throws UserError when
/// the driver refuses.
void launch_function(FunctionHandle function, LaunchExtent grid, LaunchExtent block,
                     unsigned shared_bytes, StreamHandle stream, std::span<void*> arguments);

}  // namespace brisk::cuda
