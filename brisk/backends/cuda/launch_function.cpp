#include "brisk/backends/cuda/launch_function.h"

#include "brisk/backends/cuda/api/driver.h"

namespace brisk::cuda {
namespace {

thread_local int early_scopes = 0;

}  // namespace

void launch_function(const DeviceFunction& function, LaunchExtent grid, LaunchExtent block,
                     unsigned shared_bytes, StreamHandle stream, std::span<void*> arguments) {
  LaunchAttribute early{.id = kLaunchProgrammaticSerialization};
  early.value.programmatic_serialization_allowed = 1;
  const LaunchConfiguration configuration{.grid_x = grid.x,
                                          .grid_y = grid.y,
                                          .grid_z = grid.z,
                                          .block_x = block.x,
                                          .block_y = block.y,
                                          .block_z = block.z,
                                          .shared_bytes = shared_bytes,
                                          .stream = stream,
                                          .attributes = &early,
                                          .num_attributes = function.waits && early_scopes > 0};
  check((*driver())->launch_kernel(&configuration, function.handle, arguments.data(), nullptr),
        "cuLaunchKernelEx");
}

EarlyLaunches::EarlyLaunches() {
  ++early_scopes;
}

EarlyLaunches::~EarlyLaunches() {
  --early_scopes;
}

}  // namespace brisk::cuda
