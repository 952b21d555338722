#pragma once

/// The op set that brisk comes with.

#include "brisk/ir/op.h"

namespace brisk {

/// All ops of brisk/ops, built once; immutable. Copy it and `add` to it for ops of your own.
const OpSetPtr& standard_ops();

}  // namespace brisk
