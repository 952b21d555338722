#pragma once

/// Contractions by oneDNN's matmul.

#include <vector>

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

std::vector<OpKernel> dot_kernels();

}  // namespace brisk::cpu
