#pragma once

/// Rewriting: a new graph from an old one, node by node, in order.

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "brisk/ir/builder.h"

namespace brisk {

/// Called for every node but inputs, with its operands already mapped. Returns the values that
/// replace the node's results, or nothing to copy the node as it is.
using NodeRewriter = std::function<std::optional<std::vector<Value>>(
    Builder& builder, const Node& node, NodeId id, std::span<const Value> operands)>;

/// Copies `graph` through `rewriter`; unreachable nodes fall away; inputs, outputs and their names
/// stay. Regions are rewritten first when `into_regions`.
Graph rewrite(const Graph& graph, const NodeRewriter& rewriter, bool into_regions = true);

/// The same graph with regions mapped by `map`.
Graph map_regions(const Graph& graph, const std::function<Graph(const Graph&)>& map);

}  // namespace brisk
