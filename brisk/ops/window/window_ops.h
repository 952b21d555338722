#pragma once

/// The ops of this folder, for the op set.

#include "brisk/ir/op.h"

namespace brisk {

Op max_pool_op();
Op max_pool_gradient_op();
Op max_pool_select_op();
Op average_pool_op();
Op average_pool_gradient_op();

void add_window_ops(OpSet& ops);

}  // namespace brisk
