#pragma once

/// Zeros padded around the result of a ReLU before a maximum pool become the pool's own padding,
/// which never wins: as long as every window has an element, its maximum is not negative, and no
/// gradient passes where it is zero. The padded copy is then made neither forward nor backward.
///
/// Needs: sink_below_pool has run, which would otherwise take the ReLU below the pool and away from
/// the convolution that has it for nothing.

#include "brisk/passes/pass.h"

namespace brisk {

Program absorb_pool_padding(Program program, const PassContext& context);

}  // namespace brisk
