#include "brisk/passes/decompose_composites.h"

#include "brisk/ir/rewrite.h"

namespace brisk {
namespace {

/// `type_of`: of an operand by its place.
template <typename TypeOf>
bool is_to_go(const Node& node, const LoweringTarget& target, TypeOf&& type_of) {
  if (node.op->kind != OpKind::composite || !node.op->decompose_rule) return false;
  if (!target.native_composites.contains(node.op->name)) return true;
  if (!target.takes_composite) return false;
  std::vector<Type> types;
  for (size_t i = 0; i < node.operands.size(); ++i) types.push_back(type_of(i));
  return !target.takes_composite(node, types);
}

bool any_to_go(const Graph& graph, const LoweringTarget& target) {
  for (const Node& node : graph.nodes()) {
    if (is_to_go(node, target, [&](size_t i) { return graph.type(node.operands[i]); })) return true;
    for (const Graph& region : node.regions)
      if (any_to_go(region, target)) return true;
  }
  return false;
}

Graph decompose_once(const Graph& graph, const LoweringTarget& target) {
  return rewrite(graph,
                 [&](Builder& builder, const Node& node, NodeId,
                     std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (!is_to_go(node, target, [&](size_t i) { return operands[i].type(); }))
                     return std::nullopt;
                   return node.op->decompose_rule(DecomposeContext{
                       builder, operands, node.attributes, node.regions, node.results});
                 });
}

}  // namespace

Program decompose_composites(Program program, const PassContext& context) {
  // A decomposition may use composites itself; each round goes one level down, and levels are
  // finite because an op never decomposes into itself.
  while (any_to_go(program.graph, context.target))
    program.graph = decompose_once(program.graph, context.target);
  return program;
}

}  // namespace brisk
