#include "brisk/compress/row_products.h"

#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/activation.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

/// How a product's operands become matrices: how many axes are contracted, and whether the weights
/// have them last.
struct Contraction {
  int64_t axes = 1;
  bool weights_last = false;
};

bool are(const std::vector<int64_t>& axes, int64_t first) {
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i] != first + static_cast<int64_t>(i)) return false;
  return true;
}

/// Of a fused_dot or dot_general that multiplies rows with weights [k..., n...] or [n..., k...].
std::optional<Contraction> contraction_of(const Graph& graph, const Node& node) {
  if (node.op->name == "fused_dot") {
    const auto& a = node.attributes.as<FusedDotAttributes>();
    return a.transpose_lhs ? std::nullopt : std::optional(Contraction{1, a.transpose_rhs});
  }
  if (node.op->name != "dot_general") return std::nullopt;
  const auto& a = node.attributes.as<DotAttributes>();
  const auto axes = static_cast<int64_t>(a.lhs_contract.size());
  const int64_t left = graph.type(node.operands[0]).rank(),
                right = graph.type(node.operands[1]).rank();
  if (!a.lhs_batch.empty() || axes == 0 || left - axes < 1 || right - axes < 1 ||
      !are(a.lhs_contract, left - axes))
    return std::nullopt;
  if (are(a.rhs_contract, 0)) return Contraction{axes, false};
  if (are(a.rhs_contract, right - axes)) return Contraction{axes, true};
  return std::nullopt;
}

}  // namespace

QuantizePlan plan_row_products(const Program& folded,
                               const std::set<std::string, std::less<>>& float_layers) {
  const Graph& graph = folded.graph;
  std::map<NodeId, size_t> entries;
  for (size_t i = 0; i < folded.state.size(); ++i) entries[graph.inputs()[i]] = i;
  QuantizePlan plan;
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    const std::string& op = node.op->name;
    if (op != "fused_dot" && op != "dot_general" && op != "fused_convolution") continue;
    const std::optional<Contraction> contraction = contraction_of(graph, node);
    const auto filter = entries.find(node.operands[1].node);
    ProductPlan product{.node = static_cast<NodeId>(id)};
    std::string reason;
    if (float_layers.contains(node.label))
      reason = "chosen to stay float";
    else if (op == "fused_convolution")
      reason = "a convolution's windows have no scales of their own";
    else if (graph.type(node.operands[0]).dtype() != DType::f32)
      reason = "it is not computed in f32";
    else if (filter == entries.end())
      reason = "its right operand is no weight";
    else if (!contraction)
      reason = "it is no product of rows with a matrix";
    if (!reason.empty()) {
      plan.reasons[product.node] = reason;
      continue;
    }
    product.filter = filter->second;
    product.transpose_filter = contraction->weights_last;
    product.contracted_axes = contraction->axes;
    plan.products[product.node] = product;
  }
  return plan;
}

RowProductWriter::RowProductWriter(const Model& folded,
                                   const std::set<std::string, std::less<>>& float_layers,
                                   const RoundedFilters& rounded)
    : IntegerWriter(folded, plan_row_products(folded.program, float_layers), rounded) {}

QuantizedWeights RowProductWriter::weights_of(const ProductPlan& product) const {
  return quantize_weights(filter_of(product), Tensor(), 1, 1, rounded(product));
}

Value RowProductWriter::rows_of(const ProductPlan& product) {
  const Value x = as_float(graph_.node(product.node).operands[0]);
  const int64_t axes = product.contracted_axes;
  if (axes == 1) return x;
  Shape shape;
  int64_t columns = 1;
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    if (axis < x.rank() - axes)
      shape.push_back(x.shape()[axis]);
    else
      columns *= x.shape().size(axis);
  shape.push_back(Extent(columns));
  return reshape(x, shape);
}

Value RowProductWriter::finished(const ProductPlan& product, Value y) {
  const Node& node = graph_.node(product.node);
  if (node.op->name == "fused_dot") {
    const auto& attributes = node.attributes.as<FusedDotAttributes>();
    if (attributes.bias) y = y + as_float(node.operands[2]);
    return activate(y, attributes.activation);
  }
  const Shape& shape = node.results[0].shape();
  return y.shape() == shape ? y : reshape(y, shape);
}

}  // namespace brisk
