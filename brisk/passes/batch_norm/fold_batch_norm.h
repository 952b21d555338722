#pragma once

/// Batch norm of inference behind a convolution whose result nobody else reads goes into its filter
/// and bias, so that the convolution's own epilogue takes bias, residual and ReLU. Where the target
/// asks for it: the filter is scaled in every run, which pays where memory is fast beside the rest.

#include "brisk/passes/pass.h"

namespace brisk {

Program fold_batch_norm(Program program, const PassContext& context);

}  // namespace brisk
