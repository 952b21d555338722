#pragma once

/// The ops of this folder, for the op set.

#include "brisk/ir/op.h"

namespace brisk {

Op dot_general_op();

void add_contract_ops(OpSet& ops);

}  // namespace brisk
