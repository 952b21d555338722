#pragma once

/// A program compiled for a GPU: its schedule, its one allocation, the state, and a captured graph
/// for each input slot.

#include <memory>

#include "brisk/backends/cuda/device.h"
#include "brisk/runtime/backend.h"

namespace brisk::cuda {

std::unique_ptr<Executable> make_cuda_executable(const Program& lowered,
                                                 const CompileOptions& options,
                                                 const DevicePtr& device);

/// For a device that is described, not present: it can be explained, and refuses to run.
std::unique_ptr<Executable> make_described_executable(const Program& lowered,
                                                      const CompileOptions& options,
                                                      const DeviceProperties& properties);

}  // namespace brisk::cuda
