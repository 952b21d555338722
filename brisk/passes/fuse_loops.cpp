#include "brisk/passes/fuse_loops.h"

#include <map>
#include <set>

#include "brisk/ir/rewrite.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/passes/loop_clusters.h"

// From clusters to regions. A region takes what its members read from outside as operands; loads
// (moves, scalar constants, random bits) and repeated points are cloned into it, so what comes in
// is what they read. A region stores what something outside reads. Clusters and the nodes outside
// are emitted in an order in which every operand comes first; that such an order exists is what
// cluster_loops guarantees.

namespace brisk {
namespace {

struct FuseOptions {
  bool merge;
  int64_t longest_row;
};

class RegionFuser {
 public:
  RegionFuser(const Graph& graph, const FuseOptions& options)
      : graph_(graph),
        forms_(graph, options.longest_row),
        clusters_(cluster_loops(graph, forms_, options.merge)),
        builder_(graph.ops(), graph.name()),
        mapped_(graph.nodes().size()),
        stored_(graph.nodes().size(), false),
        live_(graph.nodes().size(), false) {
    for (NodeId id = 0; id < static_cast<NodeId>(mapped_.size()); ++id)
      if (cluster(id) >= 0) members_[cluster(id)].push_back(id);
    find_stored();
  }

  Graph run() {
    for (size_t i = 0; i < graph_.inputs().size(); ++i)
      mapped_[static_cast<size_t>(graph_.inputs()[i])] = {
          builder_.input(graph_.input_name(i), graph_.input_type(i))};
    for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id)
      if (stored_[static_cast<size_t>(id)]) ensure(id);
    std::vector<Builder::Output> outputs;
    for (const NamedValue& output : graph_.outputs())
      outputs.push_back({output.name, value(output.value)});
    return builder_.finish(outputs);
  }

 private:
  int cluster(NodeId id) const { return clusters_.number[static_cast<size_t>(id)]; }

  /// Marks what exists outside of regions (outputs, nodes outside of loops, and what these and
  /// regions read) and the members of loops that these need. Whatever nobody reads is not emitted.
  void find_stored() {
    std::vector<NodeId> work;
    const auto store = [&](NodeId id) {
      if (stored_[static_cast<size_t>(id)]) return;
      stored_[static_cast<size_t>(id)] = true;
      work.push_back(id);
    };
    for (const NamedValue& output : graph_.outputs()) store(output.value.node);
    for (NodeId id = 0; id < static_cast<NodeId>(stored_.size()); ++id)
      if (graph_.node(id).op->side_effect) store(id);
    while (!work.empty()) {
      const NodeId id = work.back();
      work.pop_back();
      if (cluster(id) < 0) {
        for (const ValueId& operand : graph_.node(id).operands) store(operand.node);
        continue;
      }
      Reads reads{cluster(id), {id}, {}};
      follow(reads);
      for (const NodeId source : reads.sources) store(source);
    }
  }

  /// What members of a loop need.
  struct Reads {
    int reader;
    std::vector<NodeId> members;  ///< yet to be followed
    std::set<NodeId> sources;     ///< found outside
  };

  /// Marks the members and what they need of their own loop as live; collects what they read.
  void follow(Reads& reads) {
    while (!reads.members.empty()) {
      const NodeId member = reads.members.back();
      reads.members.pop_back();
      if (live_[static_cast<size_t>(member)]) continue;
      live_[static_cast<size_t>(member)] = true;
      for (const ValueId& operand : graph_.node(member).operands)
        collect_reads(operand.node, reads);
    }
  }

  void collect_reads(NodeId id, Reads& reads) const {
    if (cluster(id) == reads.reader) {
      reads.members.push_back(id);
    } else if (clusters_.is_cloned(forms_, id)) {
      for (const ValueId& operand : graph_.node(id).operands) collect_reads(operand.node, reads);
    } else {
      reads.sources.insert(id);
    }
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
        invariant(stack.size() <= 4 * graph_.nodes().size() + 4,
                  "loops were clustered into a cycle");
        continue;
      }
      stack.pop_back();
      if (cluster(id) >= 0)
        emit_cluster(cluster(id));
      else
        emit_node(id);
    }
  }

  /// Nodes outside whose values must exist before this node or its cluster is emitted.
  std::vector<NodeId> needs(NodeId id) const {
    if (cluster(id) < 0) {
      std::vector<NodeId> result;
      for (const ValueId& operand : graph_.node(id).operands) result.push_back(operand.node);
      return result;
    }
    Reads reads{cluster(id), {}, {}};
    for (const NodeId member : members_.at(cluster(id)))
      if (live_[static_cast<size_t>(member)])
        for (const ValueId& operand : graph_.node(member).operands)
          collect_reads(operand.node, reads);
    return {reads.sources.begin(), reads.sources.end()};
  }

  void emit_node(NodeId id) {
    const Node& node = graph_.node(id);
    std::vector<Value> operands;
    for (const ValueId& operand : node.operands)
      operands.push_back(
          mapped_[static_cast<size_t>(operand.node)][static_cast<size_t>(operand.result)]);
    const LabelScope label(builder_, node.label);
    mapped_[static_cast<size_t>(id)] =
        builder_.emit(*node.op, operands, node.attributes, node.regions);
  }

  /// The region under construction: its builder and what its inputs stand for outside.
  struct Region {
    explicit Region(const OpSetPtr& ops) : builder(ops, "loop") {}
    Builder builder;
    std::map<ValueId, Value> inside;
    std::vector<Value> operands;
  };

  Value inside(Region& region, ValueId id, int reader) {
    if (const auto it = region.inside.find(id); it != region.inside.end()) return it->second;
    const Node& node = graph_.node(id.node);
    Value result;
    if (cluster(id.node) != reader && clusters_.is_cloned(forms_, id.node)) {
      result = clone(region, node, reader);
    } else {
      const Value outside = value(id);
      result =
          region.builder.input(fmt::format("operand{}", region.operands.size()), outside.type());
      region.operands.push_back(outside);
    }
    region.inside.emplace(id, result);
    return result;
  }

  Value clone(Region& region, const Node& node, int reader) {
    std::vector<Value> operands;
    for (const ValueId& operand : node.operands)
      operands.push_back(inside(region, operand, reader));
    return region.builder.emit(*node.op, operands, node.attributes, {})[0];
  }

  void emit_cluster(int number) {
    Region region(graph_.ops());
    std::vector<Builder::Output> outputs;
    std::vector<NodeId> stored;
    std::string label;
    for (const NodeId member : members_.at(number)) {
      if (!live_[static_cast<size_t>(member)]) continue;
      const Node& node = graph_.node(member);
      region.inside[{member, 0}] = clone(region, node, number);
      if (label.empty()) label = node.label;
      if (!stored_[static_cast<size_t>(member)]) continue;
      outputs.push_back({fmt::format("result{}", outputs.size()), region.inside[{member, 0}]});
      stored.push_back(member);
    }
    const Graph body = region.builder.finish(outputs);
    const LabelScope scope(builder_, label);
    const std::vector<Value> results = builder_.emit("fused_loop", region.operands, {}, {body});
    for (size_t i = 0; i < stored.size(); ++i)
      mapped_[static_cast<size_t>(stored[i])] = {results[i]};
  }

  const Graph& graph_;
  LoopForms forms_;
  LoopClusters clusters_;
  std::map<int, std::vector<NodeId>> members_;
  Builder builder_;
  std::vector<std::vector<Value>> mapped_;
  std::vector<bool> stored_;  ///< exists outside of regions
  std::vector<bool> live_;    ///< members of loops that something stored needs
};

Graph fuse(const Graph& graph, const FuseOptions& options) {
  const Graph inside = rewrite(
      graph,
      [&](Builder& builder, const Node& node, NodeId,
          std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (node.op->kind != OpKind::control) return std::nullopt;  // a fused loop's region is done
        std::vector<Graph> regions;
        for (const Graph& region : node.regions) regions.push_back(fuse(region, options));
        return builder.emit(*node.op, operands, node.attributes, std::move(regions));
      },
      false);
  return RegionFuser(inside, options).run();
}

}  // namespace

Graph fuse_loops(const Graph& graph, int64_t longest_row) {
  return fuse(graph, {.merge = true, .longest_row = longest_row});
}

Graph one_loop_an_op(const Graph& graph) {
  return fuse(graph, {.merge = false, .longest_row = 0});
}

Program fuse_loops(Program program, const PassContext& context) {
  if (context.target.fused_loops)
    program.graph = fuse_loops(program.graph, context.target.longest_fused_row);
  return program;
}

}  // namespace brisk
