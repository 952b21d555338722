#pragma once

/// LoweringTarget::takes_composite, asked of a value that a pass has made.

#include "brisk/ir/builder.h"
#include "brisk/passes/pass.h"

namespace brisk {

/// Whether the target has a kernel for the composite whose result `made` is; yes where it takes
/// every node of its composites. What is left unread disappears, so that a pass may make one first.
bool takes_composite(const LoweringTarget& target, const Value& made);

}  // namespace brisk
