#include "brisk/ops/fused/fused_ops.h"

namespace brisk {

void add_fused_ops(OpSet& ops) {
  ops.add(fused_loop_op());
  ops.add(loop_group_op());
  ops.add(fused_convolution_op());
  ops.add(fused_dot_op());
  for (auto make :
       {convolution_statistics_op, scale_shift_op, scale_shift_relu_gradient_op,
        scale_shift_result_gradient_op, input_gradient_scale_shift_op, input_gradient_join_op,
        moments_gradient_scale_shift_op, scale_shift_max_pool_op, scale_shift_max_pool_gradient_op,
        pointwise_join_op, pointwise_pair_op, channel_shift_op, gram_matrix_op, ordered_filters_op,
        ordered_convolution_op})
    ops.add(make());
}

}  // namespace brisk
