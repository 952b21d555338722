#pragma once

/// The ops of this folder, for the op set.

#include "brisk/ir/op.h"

namespace brisk {

Op convolution_op();
Op convolution_input_gradient_op();
Op convolution_filter_gradient_op();

void add_convolve_ops(OpSet& ops);

}  // namespace brisk
