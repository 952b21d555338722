#pragma once

/// brisk's own CPU kernels.

#include <vector>

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

/// In order of preference within each op.
std::vector<OpKernel> own_kernels();

}  // namespace brisk::cpu
