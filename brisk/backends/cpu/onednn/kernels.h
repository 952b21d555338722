#pragma once

/// Kernels by oneDNN.

#include <vector>

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

/// In order of preference within each op.
std::vector<OpKernel> onednn_kernels();

}  // namespace brisk::cpu
