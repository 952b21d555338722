#include "brisk/ops/control/control_ops.h"

namespace brisk {

void add_control_ops(OpSet& ops) {
  ops.add(branch_op());
  ops.add(loop_op());
  ops.add(scan_op());
  ops.add(call_op());
}

}  // namespace brisk
