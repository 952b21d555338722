#pragma once

/// Replaces every composite op that the target has no kernel for by its decomposition, until none
/// is left.

#include "brisk/passes/pass.h"

namespace brisk {

Program decompose_composites(Program program, const PassContext& context);

}  // namespace brisk
