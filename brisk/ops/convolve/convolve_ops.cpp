#include "brisk/ops/convolve/convolve_ops.h"

namespace brisk {

void add_convolve_ops(OpSet& ops) {
  ops.add(convolution_op());
  ops.add(convolution_input_gradient_op());
  ops.add(convolution_filter_gradient_op());
}

}  // namespace brisk
