#pragma once

/// The walk behind `evaluate`, watched node by node.

#include <functional>
#include <span>
#include <vector>

#include "brisk/base/tensor.h"
#include "brisk/ir/graph.h"

namespace brisk::reference {

/// Called after each node but inputs with the time it took.
using NodeObserver = std::function<void(NodeId id, double milliseconds)>;

/// `evaluate`, with `observer` called when it is not empty.
std::vector<Tensor> evaluate_observed(const Graph& graph, std::span<const Tensor> inputs,
                                      const NodeObserver& observer);

/// True when the tensor is of the type and has memory for its elements.
bool has_type(const Tensor& tensor, const Type& type);

}  // namespace brisk::reference
