#pragma once

/// The ops of this folder, for the op set.

#include "brisk/ir/op.h"

namespace brisk {

Op branch_op();
Op loop_op();
Op scan_op();
Op call_op();

void add_control_ops(OpSet& ops);

}  // namespace brisk
