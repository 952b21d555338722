#pragma once

/// The ops of the source kind: values out of nothing, or out of a key.

#include "brisk/ir/op.h"

namespace brisk {

Op input_op();
Op constant_op();
Op iota_op();
void add_random_ops(OpSet& set);

void add_source_ops(OpSet& set);

}  // namespace brisk
