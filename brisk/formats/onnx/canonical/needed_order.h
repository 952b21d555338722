#pragma once

/// The order in which a graph's results need its nodes.

#include <vector>

#include "brisk/ir/graph.h"

namespace brisk::onnx {

/// Nodes behind their operands, operand by operand, as the outputs need them; inputs among them.
std::vector<NodeId> needed_order(const Graph& graph);

}  // namespace brisk::onnx
