#pragma once

/// What the gradient rules of ops with regions share. They rest on Vjp::vjp_graph, whose graph
/// takes a region's inputs and one cotangent for each floating output.

#include <vector>

#include "brisk/ir/op.h"

namespace brisk {

/// Whether values of this type can have a gradient.
bool has_gradient(const Type& type);

/// The cotangents of the node's floating results, zeros where none flows.
std::vector<Value> result_cotangents(const Vjp& d);

/// Which outputs of `region` depend on the flagged inputs through ops that let gradients pass.
std::vector<bool> dependent_outputs(const Graph& region, const std::vector<bool>& inputs);

/// Which inputs of `region` are read at all.
std::vector<bool> used_inputs(const Graph& region);

}  // namespace brisk
