#pragma once

/// The oracle: plain loops, op by op, no fusion, no threads.

#include <span>
#include <vector>

#include "brisk/base/tensor.h"
#include "brisk/ir/graph.h"

namespace brisk::reference {

/// Evaluates a graph with all dimensions bound: one tensor per output. Inputs are checked against
/// the graph's types. Composite ops go through their decomposition, regions are interpreted.
std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs);

/// Evaluates one node on its operands; one tensor per result.
std::vector<Tensor> evaluate_node(const Node& node, std::span<const Tensor> operands);

}  // namespace brisk::reference
