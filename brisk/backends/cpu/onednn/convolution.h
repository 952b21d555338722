#pragma once

/// Convolution and its gradients by oneDNN, channels last.

#include <vector>

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

std::vector<OpKernel> convolution_kernels();

}  // namespace brisk::cpu
