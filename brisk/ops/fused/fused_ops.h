#pragma once

/// The ops of this folder, for the op set.

#include "brisk/ir/op.h"

namespace brisk {

Op fused_loop_op();
Op loop_group_op();
Op fused_convolution_op();
Op fused_dot_op();
Op convolution_statistics_op();
Op scale_shift_op();
Op scale_shift_relu_gradient_op();
Op scale_shift_result_gradient_op();
Op input_gradient_scale_shift_op();
Op input_gradient_join_op();
Op moments_gradient_scale_shift_op();
Op scale_shift_max_pool_op();
Op scale_shift_max_pool_gradient_op();
Op pointwise_join_op();
Op pointwise_pair_op();
Op channel_shift_op();
Op gram_matrix_op();
Op ordered_filters_op();
Op ordered_convolution_op();

void add_fused_ops(OpSet& ops);

}  // namespace brisk
