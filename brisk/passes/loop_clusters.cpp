#include "brisk/passes/loop_clusters.h"

#include <numeric>

#include "brisk/ir/op.h"
#include "brisk/passes/repeat_points.h"

// Greedy merging. Every point or fold starts as a cluster of its own; in topological order each is
// merged with the clusters of its operands, then with clusters that read the same large operand,
// where that is legal and makes sense:
//
//  * the nodes have the form of one loop (loop_form.h);
//  * no cycles: two clusters merge only if no path between them leads through a third. Loads are
//    cloned into their readers, so the path through a load counts as a path, unless the form says
//    that it stays within the loop;
//  * bounded size, so that code generation stays fast and registers suffice.

namespace brisk {
namespace {

constexpr size_t kMaxNodes = 64;
constexpr int64_t kSmallElements = 4096;  ///< below this a shared operand is no reason to merge

class Merger {
 public:
  Merger(const Graph& graph, const LoopForms& forms)
      : graph_(graph),
        forms_(forms),
        users_(graph.users()),
        parent_(graph.nodes().size()),
        members_(parent_.size()),
        reach_(parent_.size()) {
    std::iota(parent_.begin(), parent_.end(), 0);
    std::iota(reach_.begin(), reach_.end(), 0);
    for (size_t id = 0; id < members_.size(); ++id) members_[id] = {static_cast<NodeId>(id)};
  }

  void merge_all() {
    const auto count = static_cast<NodeId>(graph_.nodes().size());
    for (NodeId id = 0; id < count; ++id) {
      if (!forms_.in_loop(id)) continue;
      for (const NodeId source : forms_.direct(id)) try_merge(source, id);
      if (forms_.longest_row() == 0) continue;
      for (const NodeId source : forms_.behind_loads(id)) try_merge(source, id);
    }
    merge_siblings();
  }

  NodeId find(NodeId id) {
    while (parent_[static_cast<size_t>(id)] != id) {
      NodeId& parent = parent_[static_cast<size_t>(id)];
      id = parent = parent_[static_cast<size_t>(parent)];
    }
    return id;
  }

 private:
  std::vector<NodeId>& members(NodeId cluster) { return members_[static_cast<size_t>(cluster)]; }

  /// Loops over one space that read the same large operand share the reading.
  void merge_siblings() {
    for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
      const Node& node = graph_.node(id);
      if (forms_.role(id) == LoopRole::load || node.results.empty() || !node.results[0].is_tensor())
        continue;
      const Shape& shape = node.results[0].shape();
      if (!shape.is_static() || shape.num_elements() < kSmallElements) continue;
      NodeId first = -1;
      for (const NodeId user : users_[static_cast<size_t>(id)]) {
        if (!forms_.in_loop(user)) continue;
        if (first < 0)
          first = user;
        else
          try_merge(first, user);
      }
    }
  }

  bool try_merge(NodeId a, NodeId b) {
    if (!forms_.in_loop(a) || !forms_.in_loop(b)) return false;
    a = find(a);
    b = find(b);
    if (a == b) return true;
    auto &left = members(a), &right = members(b);
    if (left.size() + right.size() > kMaxNodes) return false;
    std::vector<NodeId> both;
    std::merge(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(both));
    if (!forms_.fits(both) || depends_through_third(a, b) || depends_through_third(b, a))
      return false;
    parent_[static_cast<size_t>(b)] = a;
    left = std::move(both);
    right.clear();
    const NodeId reach = std::max(reach_[static_cast<size_t>(a)], reach_[static_cast<size_t>(b)]);
    reach_[static_cast<size_t>(a)] = reach;
    raise_users(a, reach);
    return true;
  }

  /// What reads a cluster depends on all of it.
  void raise_users(NodeId cluster, NodeId reach) {
    std::vector<NodeId> work = {cluster};
    while (!work.empty()) {
      const NodeId reached = work.back();
      work.pop_back();
      for (const NodeId member : members(reached))
        for (const NodeId user : users_[static_cast<size_t>(member)]) {
          const NodeId reader = find(user);
          if (reach_[static_cast<size_t>(reader)] >= reach) continue;
          reach_[static_cast<size_t>(reader)] = reach;
          work.push_back(reader);
        }
    }
  }

  /// True when `from` depends on `target` other than by reading it.
  bool depends_through_third(NodeId from, NodeId target) {
    std::vector<bool> visited(graph_.nodes().size(), false);
    std::vector<NodeId> stack;
    const auto visit_sources = [&](NodeId cluster, bool skip_target) {
      for (const NodeId member : members(cluster)) {
        for (const auto& sources : {forms_.direct(member), forms_.behind_loads(member)}) {
          for (const NodeId source : sources) {
            const NodeId next = find(source);
            if (next == target && !skip_target) return true;
            if (next == cluster || next == target || visited[static_cast<size_t>(next)]) continue;
            visited[static_cast<size_t>(next)] = true;
            stack.push_back(next);
          }
        }
      }
      return false;
    };
    // What `from` itself reads of the target is judged by the form of both together.
    visit_sources(from, true);
    const NodeId earliest = members(target).front();
    while (!stack.empty()) {
      const NodeId cluster = stack.back();
      stack.pop_back();
      if (reach_[static_cast<size_t>(cluster)] < earliest) continue;  // too early to depend on it
      if (visit_sources(cluster, false)) return true;
    }
    return false;
  }

  const Graph& graph_;
  const LoopForms& forms_;
  std::vector<std::vector<NodeId>> users_;
  std::vector<NodeId> parent_;
  std::vector<std::vector<NodeId>> members_;  ///< ascending; of cluster roots
  /// Of cluster roots: the last node among a cluster and all clusters that it depends on. A cluster
  /// is emitted as a whole, so an early node may depend on a late one of another's.
  std::vector<NodeId> reach_;
};

/// Loads that something other than a loop reads, or that are outputs: they are stored.
std::vector<bool> loads_read_outside(const Graph& graph, const LoopForms& forms) {
  std::vector<bool> result(graph.nodes().size(), false);
  for (NodeId id = 0; id < static_cast<NodeId>(result.size()); ++id) {
    if (forms.role(id) != LoopRole::none) continue;
    for (const ValueId& operand : graph.node(id).operands)
      result[static_cast<size_t>(operand.node)] = true;
  }
  for (const NamedValue& output : graph.outputs())
    result[static_cast<size_t>(output.value.node)] = true;
  // A constant is data already.
  for (size_t id = 0; id < result.size(); ++id)
    if (graph.nodes()[id].op->name == "constant") result[id] = false;
  return result;
}

}  // namespace

LoopClusters cluster_loops(const Graph& graph, const LoopForms& forms, bool fuse) {
  Merger merger(graph, forms);
  if (fuse) merger.merge_all();
  LoopClusters clusters{std::vector<int>(graph.nodes().size(), -1),
                        std::vector<bool>(graph.nodes().size(), false)};
  std::vector<bool> stored = loads_read_outside(graph, forms);
  // A reshape of what lies in memory is no loop but a name for it.
  for (size_t id = 0; id < stored.size(); ++id)
    if (graph.nodes()[id].op->name == "reshape" &&
        forms.role(graph.nodes()[id].operands[0].node) != LoopRole::load)
      stored[id] = false;
  for (NodeId id = 0; id < static_cast<NodeId>(stored.size()); ++id)
    if (forms.in_loop(id) || (forms.role(id) == LoopRole::load && stored[static_cast<size_t>(id)]))
      clusters.number[static_cast<size_t>(id)] = merger.find(id);
  if (fuse) repeat_points(graph, forms, clusters);
  return clusters;
}

}  // namespace brisk
