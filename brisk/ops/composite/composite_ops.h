#pragma once

/// The ops of this folder, for the op set.

#include "brisk/ir/op.h"

namespace brisk {

Op softmax_op();
Op log_softmax_op();
Op log_sum_exp_op();
Op sparse_softmax_cross_entropy_op();
Op softmax_cross_entropy_op();
Op batch_norm_op();
Op layer_norm_op();
Op dropout_op();
Op dot_product_attention_op();
Op dot_product_attention_gradient_op();
Op embedding_op();

void add_composite_ops(OpSet& ops);

}  // namespace brisk
