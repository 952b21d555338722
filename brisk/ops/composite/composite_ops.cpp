#include "brisk/ops/composite/composite_ops.h"

namespace brisk {

void add_composite_ops(OpSet& ops) {
  ops.add(softmax_op());
  ops.add(log_softmax_op());
  ops.add(log_sum_exp_op());
  ops.add(sparse_softmax_cross_entropy_op());
  ops.add(softmax_cross_entropy_op());
  ops.add(batch_norm_op());
  ops.add(layer_norm_op());
  ops.add(dropout_op());
  ops.add(dot_product_attention_op());
  ops.add(dot_product_attention_gradient_op());
  ops.add(embedding_op());
}

}  // namespace brisk
