#pragma once

/// Pairs of 1x1 convolutions.

#include "brisk/passes/pass.h"

namespace brisk {

/// A 1x1 convolution without strides whose residual is another one, of any strides, that nothing
/// else reads becomes one op with it, where the target takes it: pointwise_pair.
Program fuse_pairs(Program program, const PassContext& context);

}  // namespace brisk
