#pragma once

/// Batch norm where a block with a projection ends.

#include "brisk/passes/pass.h"

namespace brisk {

/// A residual block whose skip has a convolution and a batch norm of its own ends in one op, where
/// the target takes it: pointwise_join.
Program fuse_projections(Program program, const PassContext& context);

}  // namespace brisk
