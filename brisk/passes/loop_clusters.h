#pragma once

/// Which nodes of a graph share a loop: the analysis behind fuse_loops.

#include <vector>

#include "brisk/passes/loop_form.h"

namespace brisk {

/// number[id] is the loop that node `id` belongs to, or -1. Nodes of role `load` belong to a loop
/// of their own only when something outside loops reads them; loops clone them.
struct LoopClusters {
  std::vector<int> number;
  /// Points that no loop stores: every other loop that reads one computes it again.
  std::vector<bool> repeated;

  /// Whether a loop that reads `id`, which it does not hold, clones it.
  bool is_cloned(const LoopForms& forms, NodeId id) const {
    return forms.role(id) == LoopRole::load || repeated[static_cast<size_t>(id)];
  }
};

/// `fuse`: false leaves every node in a loop of its own.
LoopClusters cluster_loops(const Graph& graph, const LoopForms& forms, bool fuse);

}  // namespace brisk
