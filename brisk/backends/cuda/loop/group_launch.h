#pragma once

/// "loop_group" nodes as launches.

#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda {

/// One kernel for all; where that does not go, each loop by itself.
std::vector<OpKernel> loop_group_kernels();

}  // namespace brisk::cuda
