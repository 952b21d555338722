#include "brisk/runtime/node_cost.h"

#include <algorithm>

#include "brisk/ir/expr.h"
#include "brisk/ir/op.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/fused.h"

namespace brisk {
namespace {

int64_t bytes_of(const Type& type) {
  return type.is_tensor() ? byte_size(type.dtype(), type.shape().num_elements()) : 0;
}

double elements_of(const Type& type) {
  return static_cast<double>(type.shape().num_elements());
}

/// Arithmetic lines of the scalar expression, per element.
double expression_flops(const Graph& graph, const Node& node) {
  std::vector<Expr> inputs;
  for (const ValueId& operand : node.operands)
    inputs.push_back(
        Expr::input(static_cast<int>(inputs.size()), compute_type(graph.type(operand).dtype())));
  const Type& result = node.results[0];
  const ScalarProgram program = flatten(
      node.op->expr_rule({inputs, node.attributes, compute_type(result.dtype()), result.shape()}));
  const auto lines = std::count_if(program.begin(), program.end(), [](const auto& line) {
    return line.op > ScalarOp::coordinate && line.op != ScalarOp::cast;
  });
  return static_cast<double>(lines) * elements_of(result);
}

double dot_flops(const Graph& graph, const Node& node) {
  const Shape& lhs = graph.type(node.operands[0]).shape();
  double depth = 1;
  if (node.attributes.is<DotAttributes>()) {
    for (const int64_t axis : node.attributes.as<DotAttributes>().lhs_contract)
      depth *= static_cast<double>(lhs.size(axis));
  } else {
    depth = static_cast<double>(
        lhs.size(node.attributes.as<FusedDotAttributes>().transpose_lhs ? 0 : 1));
  }
  return 2 * depth * elements_of(node.results[0]);
}

/// All three convolutions do the forward one's work: result places x filter elements a filter.
double convolution_flops(const Type& result, const Type& filter) {
  return 2 * elements_of(result) * elements_of(filter) /
         std::max<double>(1, static_cast<double>(filter.shape().size(filter.rank() - 1)));
}

double region_flops(const Node& node) {
  double flops = 0;
  for (const Graph& region : node.regions)
    for (const Node& inner : region.nodes()) flops += cost_of(region, inner).flops;
  if (node.attributes.is<ScanAttributes>())
    flops *= static_cast<double>(node.attributes.as<ScanAttributes>().trips);
  return flops;
}

double flops_of(const Graph& graph, const Node& node) {
  const std::string& op = node.op->name;
  const auto operand = [&](size_t i) -> const Type& { return graph.type(node.operands[i]); };
  if (!node.regions.empty()) return region_flops(node);
  if (op == "dot_general" || op == "fused_dot") return dot_flops(graph, node);
  if (op == "convolution" || op == "fused_convolution")
    return convolution_flops(node.results[0], operand(1));
  if (op == "convolution_input_gradient") return convolution_flops(operand(0), operand(1));
  if (op == "convolution_filter_gradient") return convolution_flops(operand(1), node.results[0]);
  // Sources compute indices and bits, not numbers; some take words of a key instead of operands.
  if (node.op->expr_rule && node.op->kind != OpKind::source) return expression_flops(graph, node);
  if (node.op->kind == OpKind::reduce) return elements_of(operand(0));
  return 0;
}

}  // namespace

NodeCost cost_of(const Graph& graph, const Node& node) {
  NodeCost cost;
  for (const ValueId& operand : node.operands) cost.bytes += bytes_of(graph.type(operand));
  for (const Type& result : node.results) cost.bytes += bytes_of(result);
  cost.flops = flops_of(graph, node);
  return cost;
}

}  // namespace brisk
