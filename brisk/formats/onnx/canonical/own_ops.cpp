#include "brisk/formats/onnx/canonical/own_ops.h"

#include "brisk/formats/onnx/canonical/formulas.h"
#include "brisk/formats/onnx/canonical/rule.h"
#include "brisk/ir/rewrite.h"
#include "brisk/ops/elementwise/elementwise.h"

namespace brisk::onnx {
namespace {

using Replacement = Rule::Replacement;
using Operands = Rule::Operands;

/// The operand of x, where x is made by `op`.
Replacement operand_of(Builder& builder, const Value& x, std::string_view op) {
  const Node& node = builder.node(x.id.node);
  if (node.op->name != op) return std::nullopt;
  return Value{x.builder, node.operands[0]};
}

Replacement same_factors(Builder&, const Node&, Operands x) {
  return x[0] == x[1] ? Replacement(square(x[0])) : std::nullopt;
}

Replacement reciprocal_of_root(Builder& builder, const Node&, Operands x) {
  const Replacement inner = operand_of(builder, x[0], "sqrt");
  return inner ? Replacement(rsqrt(*inner)) : std::nullopt;
}

Replacement not_of_equal(Builder& builder, const Node&, Operands x) {
  const Node& inner = builder.node(x[0].id.node);
  if (inner.op->name != "equal") return std::nullopt;
  return not_equal({x[0].builder, inner.operands[0]}, {x[0].builder, inner.operands[1]});
}

constexpr Rule kOwnOpRules[] = {
    {"multiply", "x * x -> square(x)", same_factors},
    {"reciprocal", "1 / sqrt(x) -> rsqrt(x)", reciprocal_of_root},
    {"logical_not", "not (a == b) -> a != b", not_of_equal},
};

Replacement by_rule(Builder& builder, const Node& node, Operands operands) {
  for (const auto rules : {own_op_rules(), move_rules()})
    for (const Rule& rule : rules)
      if (rule.op == node.op->name)
        if (const Replacement replaced = rule.apply(builder, node, operands)) return replaced;
  return std::nullopt;
}

}  // namespace

std::span<const Rule> own_op_rules() {
  return kOwnOpRules;
}

Graph by_rules(const Graph& graph) {
  return rewrite(graph,
                 [](Builder& builder, const Node& node, NodeId,
                    Operands operands) -> std::optional<std::vector<Value>> {
                   if (const Replacement replaced = by_rule(builder, node, operands))
                     return std::vector<Value>{*replaced};
                   return std::nullopt;
                 });
}

Graph with_own_ops(const Graph& graph) {
  FormulaReader formulas;
  return rewrite(graph,
                 [&](Builder& builder, const Node& node, NodeId,
                     Operands operands) -> std::optional<std::vector<Value>> {
                   if (const Replacement replaced = by_rule(builder, node, operands))
                     return std::vector<Value>{*replaced};
                   if (node.results.size() != 1) return std::nullopt;
                   if (const auto replaced = formulas.read(builder, node, operands))
                     return std::vector<Value>{*replaced};
                   return std::nullopt;
                 });
}

}  // namespace brisk::onnx
