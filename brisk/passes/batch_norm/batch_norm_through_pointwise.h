#pragma once

/// Batch norm of training behind a 1x1 convolution that widens (more filters than channels) is
/// computed from the moments of the convolution's input: for y = a W^T, mean(y) = W mean(a) and
/// var(y)_k = w_k cov(a) w_k^T. Scale and shift are then known before the convolution runs and go
/// into its filter and bias: y, the largest tensor of a residual block, never exists, nor does its
/// gradient. Runs before differentiation, for the element types that the target names.

#include "brisk/passes/pass.h"

namespace brisk {

Program batch_norm_through_pointwise(Program program, const PassContext& context);

}  // namespace brisk
