#include "brisk/ops/window/window_ops.h"

namespace brisk {

void add_window_ops(OpSet& ops) {
  ops.add(max_pool_op());
  ops.add(max_pool_gradient_op());
  ops.add(max_pool_select_op());
  ops.add(average_pool_op());
  ops.add(average_pool_gradient_op());
}

}  // namespace brisk
