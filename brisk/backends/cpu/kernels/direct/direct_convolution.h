#pragma once

/// Convolution with one to four input channels (a network's first layer) in f32, NHWC: kernels up
/// to 7x7, any stride and padding, dilation 1. The forward convolution with bias, residual and
/// relu, and the filter's gradient.

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

std::optional<std::string> refuse_direct(const KernelRequest& request);
/// The same, and where oneDNN was measured to be faster.
std::optional<std::string> refuse_slow_direct(const KernelRequest& request);
std::unique_ptr<Launch> prepare_direct(const KernelRequest& request);

}  // namespace brisk::cpu
