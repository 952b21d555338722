#pragma once

/// Replaces every "call" by its region; nodes of an inlined layer are labelled with its name.

#include "brisk/passes/pass.h"

namespace brisk {

Program inline_calls(Program program, const PassContext& context);
Graph inline_calls(const Graph& graph);

}  // namespace brisk
