#include "brisk/ops/fused/fused_ops.h"

namespace brisk {

void add_fused_ops(OpSet& ops) {
  ops.add(fused_loop_op());
  ops.add(fused_convolution_op());
  ops.add(fused_dot_op());
}

}  // namespace brisk
