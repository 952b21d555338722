#pragma once

/// max_pool(relu(x)) = relu(max_pool(x)) and max_pool(x + bias) = max_pool(x) + bias for a bias per
/// channel: both commute with the maximum, so they run on the pooled elements alone, forward and
/// backward. Runs before differentiation.

#include "brisk/passes/pass.h"

namespace brisk {

Program sink_below_pool(Program program, const PassContext& context);

}  // namespace brisk
