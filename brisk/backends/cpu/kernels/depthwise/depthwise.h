#pragma once

/// Depthwise convolution in f32, NHWC: each channel with one filter of its own, any kernel, stride,
/// padding or cropping, dilation 1. The forward convolution with bias, residual and relu, and both
/// gradients.

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

std::optional<std::string> refuse_depthwise(const KernelRequest& request);
/// The same, and where oneDNN was measured to be faster.
std::optional<std::string> refuse_slow_depthwise(const KernelRequest& request);
std::unique_ptr<Launch> prepare_depthwise(const KernelRequest& request);

}  // namespace brisk::cpu
