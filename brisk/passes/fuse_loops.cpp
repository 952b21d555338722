#include "brisk/passes/fuse_loops.h"

#include <map>
#include <set>

#include "brisk/ir/rewrite.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/passes/loop_clusters.h"

// From clusters to regions. A region takes what its members read from outside as operands; loads
// (moves, scalar constants, random bits) are cloned into it, so what comes in is the load's source.
// Clusters and the nodes outside are emitted in an order in which every operand comes first; that
// such an order exists is what cluster_loops guarantees.

namespace brisk {
namespace {

class RegionFuser {
 public:
  RegionFuser(const Graph& graph, bool fuse)
      : graph_(graph),
        cluster_(cluster_loops(graph, fuse)),
        builder_(graph.ops(), graph.name()),
        mapped_(graph.nodes().size()),
        users_(graph.users()) {
    for (size_t id = 0; id < cluster_.size(); ++id)
      if (cluster_[id] >= 0) members_[cluster_[id]].push_back(static_cast<NodeId>(id));
    for (const NamedValue& output : graph.outputs()) outputs_.insert(output.value.node);
  }

  Graph run() {
    for (size_t i = 0; i < graph_.inputs().size(); ++i)
      mapped_[static_cast<size_t>(graph_.inputs()[i])] = {
          builder_.input(graph_.input_name(i), graph_.input_type(i))};
    for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id)
      if (!is_cloned(id)) ensure(id);
    std::vector<Builder::Output> outputs;
    for (const NamedValue& output : graph_.outputs()) outputs.push_back({output.name, value(output.value)});
    return builder_.finish(outputs);
  }

 private:
  /// Loads without a loop of their own exist only inside regions.
  bool is_cloned(NodeId id) const {
    return cluster_[static_cast<size_t>(id)] < 0 && loop_role(graph_, graph_.node(id)) == LoopRole::load &&
           graph_.node(id).op->name != "constant";
  }

  Value value(ValueId id) {
    ensure(id.node);
    return mapped_[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)];
  }

  /// Emits the node (or its whole cluster) and before it all it needs. Depth is bounded by an
  /// explicit stack, not by recursion: graphs of thousands of nodes are common.
  void ensure(NodeId wanted) {
    std::vector<NodeId> stack = {wanted};
    while (!stack.empty()) {
      const NodeId id = stack.back();
      if (!mapped_[static_cast<size_t>(id)].empty()) {
        stack.pop_back();
        continue;
      }
      bool ready = true;
      for (const NodeId need : needs(id)) {
        if (!mapped_[static_cast<size_t>(need)].empty()) continue;
        stack.push_back(need);
        ready = false;
      }
      if (!ready) {
        invariant(stack.size() <= 4 * graph_.nodes().size() + 4, "loops were clustered into a cycle");
        continue;
      }
      stack.pop_back();
      if (cluster_[static_cast<size_t>(id)] >= 0) emit_cluster(cluster_[static_cast<size_t>(id)]);
      else emit_node(id);
    }
  }

  /// Nodes outside whose values must exist before this node or its cluster is emitted.
  std::vector<NodeId> needs(NodeId id) {
    if (cluster_[static_cast<size_t>(id)] < 0) {
      std::vector<NodeId> result;
      for (const ValueId& operand : graph_.node(id).operands) result.push_back(operand.node);
      return result;
    }
    std::set<NodeId> result;
    for (const NodeId member : members_.at(cluster_[static_cast<size_t>(id)]))
      for (const ValueId& operand : graph_.node(member).operands)
        collect_sources(operand.node, cluster_[static_cast<size_t>(id)], result);
    return {result.begin(), result.end()};
  }

  void collect_sources(NodeId id, int cluster, std::set<NodeId>& sources) {
    if (cluster_[static_cast<size_t>(id)] == cluster) return;
    const Node& node = graph_.node(id);
    if (loop_role(graph_, node) != LoopRole::load) {
      sources.insert(id);
      return;
    }
    for (const ValueId& operand : node.operands) collect_sources(operand.node, cluster, sources);
  }

  void emit_node(NodeId id) {
    const Node& node = graph_.node(id);
    std::vector<Value> operands;
    for (const ValueId& operand : node.operands)
      operands.push_back(mapped_[static_cast<size_t>(operand.node)][static_cast<size_t>(operand.result)]);
    const LabelScope label(builder_, node.label);
    mapped_[static_cast<size_t>(id)] = builder_.emit(*node.op, operands, node.attributes, node.regions);
  }

  /// The region under construction: its builder and what its inputs stand for outside.
  struct Region {
    explicit Region(const OpSetPtr& ops) : builder(ops, "loop") {}
    Builder builder;
    std::map<ValueId, Value> inside;
    std::vector<Value> operands;
  };

  Value inside(Region& region, ValueId id, int cluster) {
    if (const auto it = region.inside.find(id); it != region.inside.end()) return it->second;
    const Node& node = graph_.node(id.node);
    Value result;
    if (cluster_[static_cast<size_t>(id.node)] != cluster && loop_role(graph_, node) == LoopRole::load) {
      result = clone(region, node, cluster);
    } else {
      const Value outside = value(id);
      result = region.builder.input(fmt::format("operand{}", region.operands.size()), outside.type());
      region.operands.push_back(outside);
    }
    region.inside.emplace(id, result);
    return result;
  }

  Value clone(Region& region, const Node& node, int cluster) {
    std::vector<Value> operands;
    for (const ValueId& operand : node.operands) operands.push_back(inside(region, operand, cluster));
    return region.builder.emit(*node.op, operands, node.attributes, {})[0];
  }

  void emit_cluster(int cluster) {
    Region region(graph_.ops());
    std::vector<Builder::Output> outputs;
    std::vector<NodeId> stored;
    std::string label;
    for (const NodeId member : members_.at(cluster)) {
      const Node& node = graph_.node(member);
      region.inside[{member, 0}] = clone(region, node, cluster);
      if (label.empty()) label = node.label;
      if (!is_read_outside(member, cluster)) continue;
      outputs.push_back({fmt::format("result{}", outputs.size()), region.inside[{member, 0}]});
      stored.push_back(member);
    }
    const Graph body = region.builder.finish(outputs);
    const LabelScope scope(builder_, label);
    const std::vector<Value> results = fused_loop_in(region.operands, body);
    for (size_t i = 0; i < stored.size(); ++i) mapped_[static_cast<size_t>(stored[i])] = {results[i]};
    for (const NodeId member : members_.at(cluster))
      if (mapped_[static_cast<size_t>(member)].empty())
        mapped_[static_cast<size_t>(member)] = {results.empty() ? Value{} : results[0]};  // never read outside
  }

  std::vector<Value> fused_loop_in(std::span<const Value> operands, const Graph& body) {
    return builder_.emit("fused_loop", operands, {}, {body});
  }

  bool is_read_outside(NodeId member, int cluster) const {
    if (outputs_.contains(member)) return true;
    for (const NodeId user : users_[static_cast<size_t>(member)]) {
      if (cluster_[static_cast<size_t>(user)] == cluster) continue;
      return true;
    }
    return false;
  }

  const Graph& graph_;
  std::vector<int> cluster_;
  std::map<int, std::vector<NodeId>> members_;
  Builder builder_;
  std::vector<std::vector<Value>> mapped_;
  std::vector<std::vector<NodeId>> users_;
  std::set<NodeId> outputs_;
};

Graph fuse(const Graph& graph, bool merge) {
  const Graph inside = rewrite(
      graph,
      [&](Builder& builder, const Node& node, NodeId,
          std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (node.op->kind != OpKind::control) return std::nullopt;  // a fused loop's region is done
        std::vector<Graph> regions;
        for (const Graph& region : node.regions) regions.push_back(fuse(region, merge));
        return builder.emit(*node.op, operands, node.attributes, std::move(regions));
      },
      false);
  return RegionFuser(inside, merge).run();
}

}  // namespace

Graph fuse_loops(const Graph& graph) { return fuse(graph, true); }
Graph one_loop_an_op(const Graph& graph) { return fuse(graph, false); }

Program fuse_loops(Program program, const PassContext& context) {
  if (context.target.fused_loops) program.graph = fuse_loops(program.graph);
  return program;
}

}  // namespace brisk
