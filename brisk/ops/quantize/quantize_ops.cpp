#include "brisk/ops/quantize/quantize_ops.h"

namespace brisk {

void add_quantize_ops(OpSet& set) {
  add_linear_quantization_ops(set);
  set.add(quantized_convolution_op());
  set.add(quantized_dot_op());
  set.add(weight_only_dot_op());
  set.add(fake_quantize_op());
  set.add(moving_magnitude_op());
}

}  // namespace brisk
