#pragma once

/// The activations that fused ops end with.

#include "brisk/ops/fused/fused.h"

namespace brisk {

Value activate(Value x, Activation activation);

}  // namespace brisk
