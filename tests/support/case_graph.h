#pragma once

/// Graphs and tensors of a case.

#include <vector>

#include "brisk/base/tensor.h"
#include "brisk/ir/graph.h"
#include "tests/support/op_case.h"

namespace brisk::testing {

/// The case in one element type: inputs "operand0", ...; outputs "result0", ...
Graph case_graph(const OpCase& op_case, DType type);

/// The graph's results weighed and summed: inputs of `graph`, then "weight<k>" for each floating
/// output k; one output, the sum over k of sum(output k * weight k), in the outputs' type. Nothing
/// when no output is floating.
std::optional<Graph> projected(const Graph& graph);

/// Values for the operands in one element type, drawn from a stream keyed by the case's name: equal
/// on every machine and in every order of tests.
std::vector<Tensor> case_values(const OpCase& op_case, DType type);

/// Uniform weights in [-1, 1] of the types of the graph's inputs from `first` on.
std::vector<Tensor> weights_for(const Graph& graph, size_t first, uint64_t key);

/// A key from a text (FNV-1a), the same everywhere.
uint64_t key_of(std::string_view text);

}  // namespace brisk::testing
