#pragma once

/// The ops of the index kind, and one_hot.

#include "brisk/ir/op.h"

namespace brisk {

Op gather_op();
Op scatter_add_op();
Op take_along_axis_op();
Op put_along_axis_add_op();
Op one_hot_op();

void add_index_ops(OpSet& set);

}  // namespace brisk
