#pragma once

/// What computing a node at one point of a loop costs, against reading and writing memory.

#include "brisk/ir/graph.h"

namespace brisk {

/// In units of one addition of a vector: 1 an operation, 4 a division or a root, 16 a
/// transcendental function. 0 for nodes without a scalar rule.
int loop_cost(const Graph& graph, const Node& node);

/// From here on, storing a value beats computing it a second time.
inline constexpr int kCostlyPoint = 12;

}  // namespace brisk
