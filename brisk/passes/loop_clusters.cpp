#include "brisk/passes/loop_clusters.h"

#include <numeric>

#include "brisk/ir/op.h"
#include "brisk/ops/reduce/reduce.h"

// Greedy merging. Every point or fold starts as a cluster of its own; in topological order each is
// merged with the clusters of its operands, then with clusters that read the same large operand,
// where that is legal and makes sense:
//
//  * one iteration space: the shape of all points (of folds: their operand's); folds of one cluster
//    fold the same axes; points on the folded shape may follow folds;
//  * no cycles: two clusters merge only if no path between them leads through a third. Loads are
//    cloned into their readers, so the path through a load counts as a path: its source must be
//    complete before the reader's loop starts;
//  * bounded size, so that code generation stays fast and registers suffice.

namespace brisk {
namespace {

constexpr size_t kMaxNodes = 64;
constexpr int64_t kSmallElements = 4096;  ///< below this a shared operand is no reason to merge

bool is_load(const Graph& graph, const Node& node) {
  const OpKind kind = node.op->kind;
  if (node.op->name == "input") return false;
  if (kind == OpKind::source) {
    if (node.op->name == "constant") return node.results[0].shape().num_elements() == 1;
    return node.op->expr_rule != nullptr;
  }
  if (kind != OpKind::move || !node.op->index_map_rule) return false;
  std::vector<Type> operands;
  for (const ValueId& operand : node.operands) operands.push_back(graph.type(operand));
  const InferContext context{*node.op, operands, node.attributes, node.regions};
  return node.op->index_map_rule(context, node.results[0]).has_value();
}

bool is_loop_type(const Type& type) {
  return type.is_tensor() && bits(type.dtype()) >= 8 && !type.tensor().quantization;
}

class Clusters {
 public:
  Clusters(const Graph& graph, bool fuse) : graph_(graph), parent_(graph.nodes().size()) {
    std::iota(parent_.begin(), parent_.end(), 0);
    roles_.reserve(graph.nodes().size());
    for (const Node& node : graph.nodes()) roles_.push_back(loop_role(graph, node));
    members_.resize(graph.nodes().size());
    for (size_t id = 0; id < members_.size(); ++id) members_[id] = {static_cast<NodeId>(id)};
    collect_sources();
    if (fuse) merge_all();
  }

  std::vector<int> numbers() {
    std::vector<int> result(graph_.nodes().size(), -1);
    const std::vector<bool> stored = loads_read_outside();
    for (size_t id = 0; id < result.size(); ++id) {
      const bool in_loop = roles_[id] == LoopRole::point || roles_[id] == LoopRole::fold ||
                           (roles_[id] == LoopRole::load && stored[id]);
      if (in_loop) result[id] = find(static_cast<NodeId>(id));
    }
    return result;
  }

 private:
  bool in_loop(NodeId id) const {
    const LoopRole role = roles_[static_cast<size_t>(id)];
    return role == LoopRole::point || role == LoopRole::fold;
  }

  NodeId find(NodeId id) {
    while (parent_[static_cast<size_t>(id)] != id)
      id = parent_[static_cast<size_t>(id)] = parent_[static_cast<size_t>(parent_[static_cast<size_t>(id)])];
    return id;
  }

  /// Direct operands that are computed elsewhere, and the same behind chains of loads.
  void collect_sources() {
    direct_.resize(graph_.nodes().size());
    behind_loads_.resize(graph_.nodes().size());
    for (size_t id = 0; id < graph_.nodes().size(); ++id) {
      for (const ValueId& operand : graph_.nodes()[id].operands) {
        const auto source = static_cast<size_t>(operand.node);
        if (roles_[source] == LoopRole::load) {
          behind_loads_[id].insert(behind_loads_[id].end(), direct_[source].begin(), direct_[source].end());
          behind_loads_[id].insert(behind_loads_[id].end(), behind_loads_[source].begin(), behind_loads_[source].end());
        } else {
          direct_[id].push_back(operand.node);
        }
      }
    }
  }

  /// The shape of the iteration space that a node alone would have.
  const Shape& space(NodeId id) const {
    const Node& node = graph_.node(id);
    if (roles_[static_cast<size_t>(id)] == LoopRole::fold) return graph_.type(node.operands[0]).shape();
    return node.results[0].shape();
  }

  struct Form {
    const Shape* space = nullptr;       ///< of points and folds' operands
    const Shape* folded = nullptr;      ///< of the folds' results
    const std::vector<int64_t>* axes = nullptr;
    bool fits = true;
  };

  bool hangs_on_fold(NodeId id, std::span<const NodeId> hanging) const {
    for (const NodeId source : direct_[static_cast<size_t>(id)])
      if (std::find(hanging.begin(), hanging.end(), source) != hanging.end()) return true;
    return false;
  }

  /// The common form of a set of nodes (ascending), or fits = false. A point on the folded shape
  /// must follow a fold of the same set.
  Form form(std::span<const NodeId> nodes) const {
    Form result;
    std::vector<NodeId> hanging;  // folds, and points on the folded shape that follow them
    for (const NodeId id : nodes) {
      if (roles_[static_cast<size_t>(id)] != LoopRole::fold) continue;
      const Node& node = graph_.node(id);
      const auto& axes = node.attributes.as<ReduceAttributes>().axes;
      if (result.axes != nullptr && (*result.axes != axes || !(*result.space == space(id)) ||
                                     !(*result.folded == node.results[0].shape())))
        return {.fits = false};
      result = {&space(id), &node.results[0].shape(), &axes, true};
      hanging.push_back(id);
    }
    for (const NodeId id : nodes) {
      if (roles_[static_cast<size_t>(id)] == LoopRole::fold) continue;
      const Shape& shape = space(id);
      if (result.space == nullptr) result.space = &shape;
      if (shape == *result.space) continue;
      if (result.folded == nullptr || !(shape == *result.folded) || !hangs_on_fold(id, hanging))
        return {.fits = false};
      hanging.push_back(id);
    }
    return result;
  }

  /// True when `from` depends on cluster `target` other than by being it or (at the first step) by
  /// a direct edge from it.
  bool depends_through_third(NodeId from, NodeId target) {
    std::vector<bool> visited(graph_.nodes().size(), false);
    std::vector<NodeId> stack;
    const auto visit = [&](NodeId cluster) {
      if (visited[static_cast<size_t>(cluster)]) return;
      visited[static_cast<size_t>(cluster)] = true;
      stack.push_back(cluster);
    };
    for (const NodeId member : members_[static_cast<size_t>(from)]) {
      for (const NodeId source : behind_loads_[static_cast<size_t>(member)]) {
        const NodeId cluster = find(source);
        if (cluster == target) return true;
        if (cluster != from) visit(cluster);
      }
      for (const NodeId source : direct_[static_cast<size_t>(member)]) {
        const NodeId cluster = find(source);
        if (cluster != target && cluster != from) visit(cluster);
      }
    }
    const NodeId earliest = members_[static_cast<size_t>(target)].front();
    while (!stack.empty()) {
      const NodeId cluster = stack.back();
      stack.pop_back();
      if (members_[static_cast<size_t>(cluster)].back() < earliest) continue;  // too early to depend on it
      for (const NodeId member : members_[static_cast<size_t>(cluster)]) {
        for (const auto* sources : {&direct_[static_cast<size_t>(member)], &behind_loads_[static_cast<size_t>(member)]}) {
          for (const NodeId source : *sources) {
            const NodeId next = find(source);
            if (next == target) return true;
            if (next != cluster) visit(next);
          }
        }
      }
    }
    return false;
  }

  bool try_merge(NodeId a, NodeId b) {
    a = find(a);
    b = find(b);
    if (a == b) return true;
    if (!in_loop(a) || !in_loop(b)) return false;
    auto &left = members_[static_cast<size_t>(a)], &right = members_[static_cast<size_t>(b)];
    if (left.size() + right.size() > kMaxNodes) return false;
    std::vector<NodeId> both;
    std::merge(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(both));
    if (!form(both).fits || depends_through_third(a, b) || depends_through_third(b, a)) return false;
    if (point_reads_fold(both)) return false;
    parent_[static_cast<size_t>(b)] = a;
    left = std::move(both);
    right.clear();
    return true;
  }

  /// A point on the full space that reads a fold of its own cluster (possible where the folded
  /// shape is the full one) would need the loop to be complete first.
  bool point_reads_fold(std::span<const NodeId> nodes) const {
    const Form common = form(nodes);
    if (common.folded == nullptr || !(*common.folded == *common.space)) return false;
    return true;
  }

  void merge_all() {
    const auto count = static_cast<NodeId>(graph_.nodes().size());
    for (NodeId id = 0; id < count; ++id) {
      if (!in_loop(id)) continue;
      for (const NodeId source : direct_[static_cast<size_t>(id)])
        if (in_loop(source)) try_merge(source, id);
    }
    // Siblings: loops over one space that read the same large operand share the reading.
    const auto users = graph_.users();
    for (NodeId id = 0; id < count; ++id) {
      if (roles_[static_cast<size_t>(id)] == LoopRole::load) continue;
      if (graph_.node(id).results.empty() || !is_loop_type(graph_.node(id).results[0])) continue;
      if (graph_.node(id).results[0].shape().num_elements() < kSmallElements) continue;
      NodeId first = -1;
      for (const NodeId user : users[static_cast<size_t>(id)]) {
        if (!in_loop(user)) continue;
        if (first < 0) first = user;
        else try_merge(first, user);
      }
    }
  }

  /// Loads that something other than a loop reads, or that are outputs: they are stored.
  std::vector<bool> loads_read_outside() const {
    std::vector<bool> result(graph_.nodes().size(), false);
    for (size_t id = 0; id < graph_.nodes().size(); ++id) {
      if (roles_[id] == LoopRole::point || roles_[id] == LoopRole::fold || roles_[id] == LoopRole::load) continue;
      for (const ValueId& operand : graph_.nodes()[id].operands) result[static_cast<size_t>(operand.node)] = true;
    }
    for (const NamedValue& output : graph_.outputs()) result[static_cast<size_t>(output.value.node)] = true;
    // A constant is data already.
    for (size_t id = 0; id < result.size(); ++id)
      if (graph_.nodes()[id].op->name == "constant") result[id] = false;
    return result;
  }

  const Graph& graph_;
  std::vector<LoopRole> roles_;
  std::vector<NodeId> parent_;
  std::vector<std::vector<NodeId>> members_;  ///< ascending; of cluster roots
  std::vector<std::vector<NodeId>> direct_, behind_loads_;
};

}  // namespace

LoopRole loop_role(const Graph& graph, const Node& node) {
  if (node.results.size() != 1 || !is_loop_type(node.results[0])) return LoopRole::none;
  if (!node.results[0].shape().is_static()) return LoopRole::none;
  for (const ValueId& operand : node.operands)
    if (!is_loop_type(graph.type(operand))) return LoopRole::none;
  if (node.op->name == "optimization_barrier") return LoopRole::none;
  if (node.op->kind == OpKind::elementwise && node.op->expr_rule) return LoopRole::point;
  if (node.op->kind == OpKind::reduce && node.op->combiner != ScalarOp::input) return LoopRole::fold;
  return is_load(graph, node) ? LoopRole::load : LoopRole::none;
}

std::vector<int> cluster_loops(const Graph& graph, bool fuse) { return Clusters(graph, fuse).numbers(); }

}  // namespace brisk
