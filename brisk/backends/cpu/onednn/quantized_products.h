#pragma once

/// oneDNN's convolutions and matrix products of 8-bit integers, for quantized_convolution and
/// quantized_dot.

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

std::vector<OpKernel> quantized_kernels();

}  // namespace brisk::cpu
