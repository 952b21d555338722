#pragma once

/// quantized_convolution with one filter for each channel, by dot products of 8-bit integers
/// (VNNI): any kernel, stride and padding, dilation 1, results in 8 bits, no residual.

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

std::optional<std::string> refuse_quantized_depthwise(const KernelRequest& request);
std::unique_ptr<Launch> prepare_quantized_depthwise(const KernelRequest& request);

}  // namespace brisk::cpu
