#pragma once

/// A convolution's input gradient that goes only through a scale_shift's ReLU becomes one op with
/// it, where the target has kernels for that; likewise with the gradients of the input's moments
/// that batch norm taken through the convolution adds to it. Runs while lowering, before composites
/// are taken apart.

#include "brisk/passes/pass.h"

namespace brisk {

Program fuse_input_gradients(Program program, const PassContext& context);

}  // namespace brisk
