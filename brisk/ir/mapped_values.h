#pragma once

/// What stands for a graph's values in a graph that is built from it: a list for each node, a value
/// for each of its results.

#include <vector>

#include "brisk/ir/builder.h"

namespace brisk {

using MappedValues = std::vector<std::vector<Value>>;

/// What stands for the operands of `node`.
std::vector<Value> mapped_operands(const Node& node, const MappedValues& mapped);
/// What stands for the outputs of `graph`, under their names.
std::vector<Builder::Output> mapped_outputs(const Graph& graph, const MappedValues& mapped);

}  // namespace brisk
