#pragma once

/// Which nodes of a graph share a loop: the analysis behind fuse_loops.

#include <vector>

#include "brisk/ir/graph.h"

namespace brisk {

/// What a node is to a loop nest.
enum class LoopRole : uint8_t {
  none,      ///< not part of any loop
  point,     ///< computed at every point of the iteration space
  fold,      ///< a reduction of the iteration space
  load,      ///< an affine move, or a source: cheap to repeat, cloned into every loop that reads it
};
LoopRole loop_role(const Graph& graph, const Node& node);

/// cluster[id] is the number of the loop that node `id` belongs to, or -1. Nodes of role `load`
/// belong to a loop of their own only when something outside loops reads them.
std::vector<int> cluster_loops(const Graph& graph, bool fuse);

}  // namespace brisk
