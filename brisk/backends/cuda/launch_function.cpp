#include "brisk/backends/cuda/launch_function.h"

#include "brisk/backends/cuda/api/driver.h"

namespace brisk::cuda {

void launch_function(FunctionHandle function, LaunchExtent grid, LaunchExtent block,
                     unsigned shared_bytes, StreamHandle stream, std::span<void*> arguments) {
  const Driver& cuda = **driver();
  check(cuda.launch_kernel(function, grid.x, grid.y, grid.z, block.x, block.y, block.z,
                           shared_bytes, stream, arguments.data(), nullptr),
        "cuLaunchKernel");
}

}  // namespace brisk::cuda
