#include "brisk/passes/group_loops.h"

#include <algorithm>
#include <map>

#include "brisk/ir/builder.h"
#include "brisk/ir/op.h"

// Loops are of one kind when their texts are equal but for sizes; every value in them has the
// loop's elements or is a scalar (folds go over all of it), so that all of a kind are one flat loop
// with a size. Within a kind,
// the level of a loop is the number of loops of the kind on the longest path that ends in it: loops
// of one level can't reach each other, so to make one node of them closes no cycle. Kinds are taken
// one after another, largest first, each in the graph that has the groups before it as nodes.
//
// A group is emitted when the first reader of any of its members is, or at the end: its operands
// wait until then, which is why only loops over small tensors are taken.

namespace brisk {
namespace {

constexpr int64_t kMostElements = int64_t{1} << 22;

/// The shape that a loop goes over: of the first value in it that is no scalar; nothing where all
/// are.
const Shape* space_of(const Graph& region) {
  for (const Node& node : region.nodes())
    for (const Type& type : node.results)
      if (type.is_tensor() && type.rank() > 0) return &type.shape();
  return nullptr;
}

/// The text of a loop without its sizes; empty where it can't be in a group: where it has other
/// moves than reshapes and scalars that are read at every point, folds some axes only, or reads a
/// fold at points.
std::string kind_of(const Node& node) {
  if (node.op->name != "fused_loop") return {};
  const Graph& region = node.regions[0];
  const Shape* space = space_of(region);
  if (space == nullptr) return {};
  if (space->num_elements() < 2 || space->num_elements() > kMostElements) return {};
  std::string text;
  std::vector<bool> folded(region.nodes().size(), false);
  for (size_t id = 0; id < folded.size(); ++id) {
    const Node& inner = region.nodes()[id];
    const bool is_broadcast = inner.op->name == "broadcast",
               is_reshape = inner.op->name == "reshape";
    const bool is_fold = inner.op->kind == OpKind::reduce;
    const bool is_source = inner.op->name == "input" || inner.op->name == "constant";
    if (inner.op->kind != OpKind::elementwise && !is_broadcast && !is_reshape && !is_fold &&
        !is_source)
      return {};
    text += inner.op->name;
    folded[id] = is_fold;
    for (const ValueId& operand : inner.operands) {
      text += fmt::format(" {}.{}", operand.node, operand.result);
      if (folded[static_cast<size_t>(operand.node)]) folded[id] = true;
    }
    for (const Type& type : inner.results) {
      if (!type.is_tensor()) return {};
      const bool scalar = type.rank() == 0;
      if (!scalar && type.shape().num_elements() != space->num_elements()) return {};
      if (!scalar && (folded[id] || inner.op->name == "constant")) return {};
      text += fmt::format(" {}{}", brisk::name(type.dtype()), scalar ? "" : "[]");
    }
    const bool reads_scalar = !inner.operands.empty() && region.type(inner.operands[0]).rank() == 0;
    if ((is_broadcast && !reads_scalar) || (is_reshape && reads_scalar) ||
        (is_fold && (reads_scalar || inner.results[0].rank() != 0)))
      return {};
    // An input's name, shapes and a fold's axes are no part of what is computed.
    if (!is_broadcast && !is_reshape && !is_fold && inner.op->name != "input")
      text += fmt::format(" {:x}", inner.attributes.hash());
    text += ';';
  }
  for (const NamedValue& output : region.outputs()) {
    const bool scalar = region.type(output.value).rank() == 0;
    if (scalar && !folded[static_cast<size_t>(output.value.node)]) return {};
    text += fmt::format("return {}.{};", output.value.node, output.value.result);
  }
  return text;
}

class Grouper {
 public:
  explicit Grouper(const Program& program)
      : graph_(program.graph), group_(graph_.nodes().size(), -1) {
    const std::vector<bool> constant = constant_nodes(program);
    std::map<std::pair<std::string, bool>, std::vector<NodeId>> kinds;
    for (NodeId id = 0; id < static_cast<NodeId>(group_.size()); ++id) {
      const std::string kind = kind_of(graph_.node(id));
      if (!kind.empty()) kinds[{kind, constant[static_cast<size_t>(id)]}].push_back(id);
    }
    std::vector<std::vector<NodeId>> by_count;
    for (auto& [kind, nodes] : kinds)
      if (nodes.size() > 1) by_count.push_back(std::move(nodes));
    std::stable_sort(by_count.begin(), by_count.end(),
                     [](const auto& a, const auto& b) { return a.size() > b.size(); });
    for (const std::vector<NodeId>& nodes : by_count) add_groups(nodes);
  }

  bool nothing() const { return groups_.empty(); }

  Graph run() {
    Builder builder(graph_.ops(), graph_.name());
    mapped_.resize(group_.size());
    for (size_t i = 0; i < graph_.inputs().size(); ++i)
      mapped_[static_cast<size_t>(graph_.inputs()[i])] = {
          builder.input(graph_.input_name(i), graph_.input_type(i))};
    for (NodeId id = 0; id < static_cast<NodeId>(group_.size()); ++id)
      if (group_of(id) < 0) ensure(builder, id);
    std::vector<Builder::Output> outputs;
    for (const NamedValue& output : graph_.outputs()) {
      ensure(builder, output.value.node);
      outputs.push_back({output.name, value(output.value)});
    }
    return builder.finish(outputs);
  }

 private:
  /// What depends on constant state alone: it may be computed once for many runs, and must not wait
  /// in a group for what is not.
  static std::vector<bool> constant_nodes(const Program& program) {
    const Graph& graph = program.graph;
    std::vector<bool> constant(graph.nodes().size(), true);
    for (const NodeId input : graph.inputs()) constant[static_cast<size_t>(input)] = false;
    const std::vector<bool> state = constant_state(program);
    for (size_t i = 0; i < state.size(); ++i)
      constant[static_cast<size_t>(graph.inputs()[i])] = state[i];
    for (size_t id = 0; id < constant.size(); ++id)
      for (const ValueId& operand : graph.nodes()[id].operands)
        if (!constant[static_cast<size_t>(operand.node)]) constant[id] = false;
    return constant;
  }

  int group_of(NodeId id) const { return group_[static_cast<size_t>(id)]; }
  Value value(ValueId id) const {
    return mapped_[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)];
  }
  bool is_emitted(NodeId id) const { return !mapped_[static_cast<size_t>(id)].empty(); }

  /// The node alone, or all of its group.
  std::vector<NodeId> members(NodeId id) const {
    return group_of(id) < 0 ? std::vector<NodeId>{id} : groups_[static_cast<size_t>(group_of(id))];
  }

  /// Nodes in an order in which operands come first, groups as wholes, from `wanted` on backwards.
  /// Depth is bounded by a stack of our own: graphs of thousands of nodes are common.
  template <typename IsDone, typename Visit>
  void visit_before(NodeId wanted, IsDone&& is_done, Visit&& visit) const {
    std::vector<NodeId> stack = {wanted};
    while (!stack.empty()) {
      const NodeId id = stack.back();
      bool ready = true;
      if (!is_done(id))
        for (const NodeId member : members(id))
          for (const ValueId& operand : graph_.node(member).operands) {
            if (is_done(operand.node)) continue;
            stack.push_back(operand.node);
            ready = false;
          }
      if (!ready) continue;
      stack.pop_back();
      if (!is_done(id)) visit(id);
    }
  }

  void add_groups(const std::vector<NodeId>& kind) {
    std::vector<bool> of_kind(group_.size(), false);
    for (const NodeId id : kind) of_kind[static_cast<size_t>(id)] = true;
    std::vector<int> level(group_.size(), -1);
    const auto settle = [&](NodeId id) {
      int deepest = 0;
      for (const NodeId member : members(id))
        for (const ValueId& operand : graph_.node(member).operands)
          deepest = std::max(deepest, level[static_cast<size_t>(operand.node)]);
      for (const NodeId member : members(id))
        level[static_cast<size_t>(member)] =
            deepest + (of_kind[static_cast<size_t>(member)] ? 1 : 0);
    };
    const auto is_settled = [&](NodeId id) { return level[static_cast<size_t>(id)] >= 0; };
    std::map<int, std::vector<NodeId>> levels;
    for (const NodeId id : kind) {
      visit_before(id, is_settled, settle);
      levels[level[static_cast<size_t>(id)]].push_back(id);
    }
    for (auto& [number, nodes] : levels) {
      if (nodes.size() < 2) continue;
      for (const NodeId id : nodes)
        group_[static_cast<size_t>(id)] = static_cast<int>(groups_.size());
      groups_.push_back(std::move(nodes));
    }
  }

  void ensure(Builder& builder, NodeId wanted) {
    visit_before(
        wanted, [&](NodeId id) { return is_emitted(id); },
        [&](NodeId id) { group_of(id) < 0 ? emit_node(builder, id) : emit_group(builder, id); });
  }

  void emit_node(Builder& builder, NodeId id) {
    const Node& node = graph_.node(id);
    std::vector<Value> operands;
    for (const ValueId& operand : node.operands) operands.push_back(value(operand));
    const LabelScope label(builder, node.label);
    mapped_[static_cast<size_t>(id)] =
        builder.emit(*node.op, operands, node.attributes, node.regions);
  }

  void emit_group(Builder& builder, NodeId id) {
    std::vector<Value> operands;
    std::vector<Graph> regions;
    const std::vector<NodeId> nodes = members(id);
    for (const NodeId member : nodes) {
      for (const ValueId& operand : graph_.node(member).operands)
        operands.push_back(value(operand));
      regions.push_back(graph_.node(member).regions[0]);
    }
    const LabelScope label(builder, graph_.node(nodes[0]).label);
    const std::vector<Value> results = builder.emit("loop_group", operands, {}, std::move(regions));
    auto next = results.begin();
    for (const NodeId member : nodes) {
      const auto count = static_cast<std::ptrdiff_t>(graph_.node(member).results.size());
      mapped_[static_cast<size_t>(member)] = {next, next + count};
      next += count;
    }
  }

  const Graph graph_;
  std::vector<int> group_;  ///< of each node; -1: none
  std::vector<std::vector<NodeId>> groups_;
  std::vector<std::vector<Value>> mapped_;
};

}  // namespace

Program group_loops(Program program, const PassContext& context) {
  if (!context.target.loop_groups) return program;
  Grouper grouper(program);
  if (!grouper.nothing()) program.graph = grouper.run();
  return program;
}

}  // namespace brisk
