#pragma once

/// The reductions, and the ops that walk along one axis.

#include "brisk/ir/op.h"

namespace brisk {

void add_fold_ops(OpSet& set);  ///< sum, max, min, prod, any, all
Op reduce_mean_op();
void add_extreme_ops(OpSet& set);  ///< argmax, argmin
Op cumulative_sum_op();

void add_reduce_ops(OpSet& set);

}  // namespace brisk
