#include "brisk/passes/loop_cost.h"

#include "brisk/ir/expr.h"
#include "brisk/ir/op.h"

namespace brisk {
namespace {

int cost(ScalarOp op) {
  switch (op) {
    case ScalarOp::input:
    case ScalarOp::constant:
    case ScalarOp::linear_index:
    case ScalarOp::coordinate:
      return 0;
    case ScalarOp::divide:
    case ScalarOp::square_root:
      return 4;
    case ScalarOp::remainder:
    case ScalarOp::power:
    case ScalarOp::atan2:
    case ScalarOp::exponential:
    case ScalarOp::expm1:
    case ScalarOp::logarithm:
    case ScalarOp::log1p:
    case ScalarOp::sine:
    case ScalarOp::cosine:
    case ScalarOp::tangent:
    case ScalarOp::hyperbolic_tangent:
    case ScalarOp::error_function:
      return 16;
    default:
      return 1;
  }
}

}  // namespace

int loop_cost(const Graph& graph, const Node& node) {
  if (node.op->kind != OpKind::elementwise || !node.op->expr_rule) return 0;
  std::vector<Expr> inputs;
  for (const ValueId& operand : node.operands)
    inputs.push_back(
        Expr::input(static_cast<int>(inputs.size()), compute_type(graph.type(operand).dtype())));
  const Type& result = node.results[0];
  const Expr expr =
      node.op->expr_rule({inputs, node.attributes, compute_type(result.dtype()), result.shape()});
  int total = 0;
  for (const ScalarInstruction& instruction : flatten(expr)) total += cost(instruction.op);
  return total;
}

}  // namespace brisk
