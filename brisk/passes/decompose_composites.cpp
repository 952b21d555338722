#include "brisk/passes/decompose_composites.h"

#include "brisk/ir/rewrite.h"

namespace brisk {
namespace {

bool is_to_go(const Node& node, const LoweringTarget& target) {
  return node.op->kind == OpKind::composite && node.op->decompose_rule &&
         !target.native_composites.contains(node.op->name);
}

bool any_to_go(const Graph& graph, const LoweringTarget& target) {
  for (const Node& node : graph.nodes()) {
    if (is_to_go(node, target)) return true;
    for (const Graph& region : node.regions)
      if (any_to_go(region, target)) return true;
  }
  return false;
}

Graph decompose_once(const Graph& graph, const LoweringTarget& target) {
  return rewrite(graph,
                 [&](Builder& builder, const Node& node, NodeId,
                     std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (!is_to_go(node, target)) return std::nullopt;
                   return node.op->decompose_rule(DecomposeContext{
                       builder, operands, node.attributes, node.regions, node.results});
                 });
}

}  // namespace

Program decompose_composites(Program program, const PassContext& context) {
  // A decomposition may use composites itself; each round goes one level down, and levels are finite
  // because an op never decomposes into itself.
  while (any_to_go(program.graph, context.target))
    program.graph = decompose_once(program.graph, context.target);
  return program;
}

}  // namespace brisk
