#pragma once

/// Where the gradients of a residual block's two readers meet behind its ReLU, the input gradient
/// of a convolution, the addition, the ReLU's gradient and the sums that batch norm's gradient
/// needs become one op, `input_gradient_join`, where the target has a kernel for it: the two
/// gradients that are added and their sum never reach memory.

#include "brisk/passes/pass.h"

namespace brisk {

Program fuse_joins(Program program, const PassContext& context);

}  // namespace brisk
