#pragma once

/// How long a graph's values are needed, evaluated in its order.

#include <cstdint>
#include <vector>

#include "brisk/ir/graph.h"

namespace brisk {

/// For each node the last one that reads a result of it; one past the end for the graph's outputs,
/// the node itself where nothing reads it.
std::vector<size_t> last_uses(const Graph& graph);

/// Bytes of the values alive at once, inputs and constants included, at worst; regions apart.
int64_t peak_bytes(const Graph& graph);

}  // namespace brisk
