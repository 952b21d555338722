#pragma once

/// Convolution + bias + residual + ReLU becomes "fused_convolution", a contraction that is a
/// product of matrices, with transposed operands, bias and ReLU "fused_dot", where the target has
/// kernels for them and the intermediate has no other user.

#include "brisk/passes/pass.h"

namespace brisk {

Program fuse_epilogues(Program program, const PassContext& context);

}  // namespace brisk
