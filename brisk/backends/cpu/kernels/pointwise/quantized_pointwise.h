#pragma once

/// quantized_convolution with a 1x1 kernel, of any strides, and quantized_dot: both are rows of
/// channels times a matrix, by dot products of 8-bit integers (VNNI).

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

std::optional<std::string> refuse_quantized_pointwise(const KernelRequest& request);
std::unique_ptr<Launch> prepare_quantized_pointwise(const KernelRequest& request);

}  // namespace brisk::cpu
