#pragma once

/// What a node costs at least, for explain and profile: work that depends on shapes alone.

#include <cstdint>

#include "brisk/ir/graph.h"

namespace brisk {

struct NodeCost {
  double flops = 0;   ///< one multiplication and one addition each count; moves count nothing
  int64_t bytes = 0;  ///< operands read once, results written once
};

/// Dimensions must be bound. Regions of loops and scans count once a trip (a loop: one trip).
NodeCost cost_of(const Graph& graph, const Node& node);

}  // namespace brisk
