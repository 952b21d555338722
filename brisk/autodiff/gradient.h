#pragma once

/// Reverse-mode differentiation: a graph from a graph.

#include <span>
#include <vector>

#include "brisk/ir/builder.h"

namespace brisk {

/// Emits the gradient of `loss` (rank 0, floating) with respect to `wrt` (floating) into the same
/// builder and returns one value per entry, typed like it (zeros where the loss does not depend on
/// it). Entries may be any values of the builder, not only inputs. Refused when an op on the way
/// has no gradient rule, with its name. Equal graphs give equal gradients: cotangents are summed
/// in a fixed order.
std::vector<Value> gradient(Value loss, std::span<const Value> wrt);

/// The same from given cotangents of several values (undefined ones count as zero).
std::vector<Value> vector_jacobian_product(std::span<const Value> values,
                                           std::span<const Value> cotangents,
                                           std::span<const Value> wrt);

/// The graph `inputs -> outputs of graph..., gradient of output 'loss_output' for each of
/// 'wrt_inputs'`; gradients are named "gradient:<input>".
Graph gradient(const Graph& graph, size_t loss_output, std::span<const size_t> wrt_inputs);

/// The graph `inputs..., cotangents of the floating outputs... -> cotangents of 'wrt_inputs'`:
/// what control flow's regions differentiate into. Cotangents are named "cotangent:<output>",
/// results "gradient:<input>".
Graph vjp_graph(const Graph& graph, std::span<const size_t> wrt_inputs);

}  // namespace brisk
