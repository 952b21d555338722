#pragma once

/// Packed integers as whole bytes.

#include "brisk/ir/builder.h"

namespace brisk {

/// i4 of any shape as i8 with the same values.
Value unpack_integers(Value x);

}  // namespace brisk
