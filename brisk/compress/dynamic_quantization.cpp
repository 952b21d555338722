#include "brisk/compress/dynamic_quantization.h"

#include <numeric>

#include "brisk/compress/integer_writer.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/activation.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/quantize/quantize.h"
#include "brisk/ops/reduce/reduce.h"

// A row [k] becomes round(x / s) with s = max |x| / 127, one loop over memory; rows that several
// products read (query, key and value) are rounded once. What follows a product, s and the bias
// among it, joins the loop that reads its result.

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

QuantizePlan plan_dynamic(const Program& folded,
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
    plan.products[product.node] = product;
  }
  return plan;
}

class DynamicWriter : public IntegerWriter {
 public:
  DynamicWriter(const Model& model, QuantizePlan plan) : IntegerWriter(model, std::move(plan)) {}

 private:
  Contraction contraction(const ProductPlan& product) const {
    return *contraction_of(graph_, graph_.node(product.node));
  }

  QuantizedWeights weights_of(const ProductPlan& product) const override {
    const Tensor& filter = model_.weights[product.filter];
    const auto [axes, last] = contraction(product);
    int64_t rows = 1;
    const int64_t split = last ? filter.rank() - axes : axes;
    for (int64_t axis = 0; axis < split; ++axis) rows *= filter.sizes()[static_cast<size_t>(axis)];
    const Tensor matrix =
        filter.reshaped({rows, filter.num_elements() / std::max<int64_t>(rows, 1)});
    return quantize_weights(last ? transposed(matrix) : matrix, Tensor(), 1, 1);
  }

  /// Rows of integers, and what each counts in.
  struct Rows {
    Value integers, scale;
  };
  const Rows& rows_of(const ProductPlan& product) {
    const ValueId value = graph_.node(product.node).operands[0];
    const int64_t axes = contraction(product).axes;
    if (const auto found = rows_.find({value, axes}); found != rows_.end()) return found->second;
    return rows_[{value, axes}] = rounded(flattened(as_float(value), axes));
  }

  /// The last `axes` axes as one.
  static Value flattened(Value x, int64_t axes) {
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

  static Rows rounded(Value x) {
    const Value greatest = reduce_max(abs(x), {x.rank() - 1}) / 127.0;
    const auto filled = [&](double number) {
      return broadcast_to(x.builder->scalar(DType::f32, number), greatest.shape());
    };
    const Value scale = select(equal(greatest, filled(0)), filled(1), greatest);
    const Value steps = round(x / spread(scale, x));
    return {cast(clamp(steps, -127, 127), DType::i8), scale};
  }

  /// A number a row beside each of its elements.
  static Value spread(Value by_row, const Value& like) {
    std::vector<int64_t> axes(static_cast<size_t>(by_row.rank()));
    std::iota(axes.begin(), axes.end(), 0);
    return broadcast(by_row, like.shape(), axes);
  }

  Value product_input(const ProductPlan& product) override { return rows_of(product).integers; }

  Value product(const ProductPlan& product, Value integers, Value) override {
    const Node& node = graph_.node(product.node);
    std::vector<Value> operands = {integers};
    for (const Value& value : weights(product)) operands.push_back(value);
    Value y = quantized_dot(operands, {});
    y = y * spread(rows_of(product).scale, y);
    add_layer(product, {.input_type = DType::i8});
    if (node.op->name == "fused_dot") {
      const auto& attributes = node.attributes.as<FusedDotAttributes>();
      if (attributes.bias) y = y + as_float(node.operands[2]);
      return activate(y, attributes.activation);
    }
    const Shape& shape = node.results[0].shape();
    return y.shape() == shape ? y : reshape(y, shape);
  }

  std::map<std::pair<ValueId, int64_t>, Rows> rows_;
};

}  // namespace

QuantizedModel quantize_dynamically(const Model& folded,
                                    const std::set<std::string, std::less<>>& float_layers) {
  return DynamicWriter(folded, plan_dynamic(folded.program, float_layers)).write();
}

}  // namespace brisk
