#pragma once

/// Moves transposes behind elementwise ops, padding, concatenation and reductions, towards the next
/// transpose, which `simplify` joins with them: a network whose image ops stand between transposes
/// each (as an imported one of ONNX does) keeps those at its edges only.

#include "brisk/passes/pass.h"

namespace brisk {

Program sink_transposes(Program program, const PassContext& context);
Graph sink_transposes(const Graph& graph);

}  // namespace brisk
