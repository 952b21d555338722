#pragma once

/// Which sets of nodes are one loop: the form that code generators take.

#include <span>
#include <vector>

#include "brisk/ir/graph.h"
#include "brisk/passes/loop_view.h"

namespace brisk {

/// What a node is to a loop nest.
enum class LoopRole : uint8_t {
  none,   ///< not part of any loop
  point,  ///< computed at every point of the iteration space
  fold,   ///< a reduction of the iteration space
  load,   ///< an affine move, or a source: cheap to repeat, cloned into every loop that reads it
};
LoopRole loop_role(const Graph& graph, const Node& node);

/// Judges sets of points and folds of one graph.
class LoopForms {
 public:
  /// `longest_row`: a set may read a fold's result again at every point (softmax), as
  /// LoweringTarget's longest_fused_row says.
  LoopForms(const Graph& graph, int64_t longest_row);

  LoopRole role(NodeId id) const { return roles_[static_cast<size_t>(id)]; }
  bool in_loop(NodeId id) const {
    return role(id) == LoopRole::point || role(id) == LoopRole::fold;
  }
  /// Operands that are computed outside of loads, read directly.
  std::span<const NodeId> direct(NodeId id) const { return direct_[static_cast<size_t>(id)]; }
  /// The same behind chains of loads.
  std::span<const NodeId> behind_loads(NodeId id) const {
    return behind_loads_[static_cast<size_t>(id)];
  }
  int64_t longest_row() const { return longest_row_; }

  /// Whether the nodes (ascending; points and folds) can be one loop, and it pays.
  bool fits(std::span<const NodeId> nodes) const;

 private:
  class Candidate;

  const Graph& graph_;
  int64_t longest_row_;
  std::vector<LoopRole> roles_;
  std::vector<int> costs_;
  std::vector<std::vector<NodeId>> direct_, behind_loads_;
};

}  // namespace brisk
