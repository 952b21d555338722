#pragma once

/// Loops of the same ops over tensors of different sizes, none of which needs another, become one
/// "loop_group": an optimizer's updates are then a launch for each kind of parameter and not one
/// for each parameter, and so are checks of all gradients. Points and folds of a whole tensor are
/// taken, without moves. Large loops, for which a launch more is nothing, stay alone.

#include "brisk/passes/pass.h"

namespace brisk {

Program group_loops(Program program, const PassContext& context);

}  // namespace brisk
