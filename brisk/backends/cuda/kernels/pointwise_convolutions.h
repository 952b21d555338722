#pragma once

/// Forward 1x1 convolutions that Hopper's form of our own product runs faster than cuDNN's engines,
/// told by types, shapes and what is known of the device, so that lowering can decide between an op
/// and its parts.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda {

/// Of a node "convolution_statistics" or "fused_convolution"; nothing when it is taken. f32 is
/// taken with `tf32` alone, since its products are rounded.
std::optional<std::string> refuse_pointwise_convolution(const Node& node,
                                                        std::span<const Type> operands, bool tf32,
                                                        const DeviceProperties& device);

std::vector<OpKernel> pointwise_convolution_kernels();

}  // namespace brisk::cuda
