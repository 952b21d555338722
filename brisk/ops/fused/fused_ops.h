#pragma once

/// The ops of this folder, for the op set.

#include "brisk/ir/op.h"

namespace brisk {

Op fused_loop_op();
Op fused_convolution_op();
Op fused_dot_op();

void add_fused_ops(OpSet& ops);

}  // namespace brisk
