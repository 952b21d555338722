#pragma once

/// Which ends of a residual block and of its gradients our own kernel takes, told by types, shapes
/// and what is known of the device, so that lowering can decide between the op and its parts.

#include <optional>
#include <span>
#include <string>

#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda {

/// Of a node "input_gradient_join", "moments_gradient_scale_shift", "input_gradient_scale_shift",
/// "pointwise_join" or "pointwise_pair"; nothing when it is taken. f32 is taken with `tf32` alone,
/// since its products are rounded.
std::optional<std::string> refuse_join(const Node& node, std::span<const Type> operands, bool tf32,
                                       const DeviceProperties& device);

std::vector<OpKernel> join_kernels();

}  // namespace brisk::cuda
