#pragma once

/// Kernels of our own for a network's first layer: a convolution of an image of up to four channels
/// with strides of 2, with its sums or bias and ReLU, and its filter's gradient. The image is read
/// as it lies, without further channels.

#include <optional>
#include <span>
#include <string>

#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda {

/// Of any node; nothing when it is taken: a "convolution", "fused_convolution",
/// "convolution_statistics" or "convolution_filter_gradient".
std::optional<std::string> refuse_narrow(const Node& node, std::span<const Type> operands,
                                         bool tf32, const DeviceProperties& device);

/// They stand before those of libraries.
std::vector<OpKernel> narrow_kernels();

}  // namespace brisk::cuda
