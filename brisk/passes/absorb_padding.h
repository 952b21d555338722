#pragma once

/// Zeros padded around a convolution's input become the convolution's own padding, so that the
/// padded copy never exists, nor the cut-out of its gradient. Runs before differentiation.

#include "brisk/passes/pass.h"

namespace brisk {

Program absorb_padding(Program program, const PassContext& context);

}  // namespace brisk
