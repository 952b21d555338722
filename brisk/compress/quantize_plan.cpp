#include "brisk/compress/quantize_plan.h"

#include <algorithm>

#include "brisk/compress/quantize_weights.h"
#include "brisk/ops/fused/fused.h"

// A value becomes integers when a quantized product reads it as its input or residual, or when the
// product that makes it has a residual (which comes in as integers and is summed in place). From
// there integers go up through what only moves elements, to the op that makes them. What is
// averaged or added comes as integers, too, where a product makes it: it is computed in f32 from
// one to the other, in registers.

namespace brisk {
namespace {

class Planner {
 public:
  explicit Planner(const Program& program) : graph_(program.graph) {
    for (size_t i = 0; i < program.state.size(); ++i) entries_[graph_.inputs()[i]] = i;
  }

  QuantizePlan plan(const std::set<std::string, std::less<>>& float_layers) {
    for (size_t id = 0; id < graph_.nodes().size(); ++id) {
      const Node& node = graph_.nodes()[id];
      if (node.op->name != "fused_convolution" && node.op->name != "fused_dot") continue;
      ProductPlan product{.node = static_cast<NodeId>(id)};
      const std::string reason =
          float_layers.contains(node.label) ? "chosen to stay float" : refusal(node, product);
      if (reason.empty())
        plan_.products[product.node] = product;
      else
        plan_.reasons[product.node] = reason;
    }
    for (const auto& [id, product] : plan_.products) {
      const Node& node = graph_.node(id);
      add(node.operands[0]);
      if (!product.residual) continue;
      add(node.operands.back());
      add({id, 0});
      const ValueId before = before_residual(id);
      plan_.integers[before] = before;
    }
    return plan_;
  }

 private:
  std::string refusal(const Node& node, ProductPlan& product) const {
    if (graph_.type(node.operands[0]).dtype() != DType::f32) return "it is not computed in f32";
    bool bias = false;
    if (node.op->name == "fused_dot") {
      const auto& attributes = node.attributes.as<FusedDotAttributes>();
      if (attributes.transpose_lhs) return "its left operand is transposed";
      product.transpose_filter = attributes.transpose_rhs;
      bias = attributes.bias;
    } else {
      const auto& attributes = node.attributes.as<FusedConvolutionAttributes>();
      product.residual = attributes.residual;
      bias = attributes.bias;
    }
    const auto filter = entries_.find(node.operands[1].node);
    if (filter == entries_.end()) return "its right operand is no weight";
    product.filter = filter->second;
    if (!bias) return "";
    const auto found = entries_.find(node.operands[2].node);
    if (found == entries_.end()) return "its bias is no weight";
    product.bias = found->second;
    return "";
  }

  /// Adds `value` and what it is made of; returns the value that has the range.
  ValueId add(ValueId value) {
    if (const auto found = plan_.integers.find(value); found != plan_.integers.end())
      return found->second;
    const Node& node = graph_.node(value.node);
    if (moves_elements(node) && !joins_elements(node))
      return plan_.integers[value] = add(node.operands[0]);
    plan_.integers[value] = value;
    if (joins_elements(node)) share(value, value);
    if (is_computed_between(node))
      for (const ValueId& operand : node.operands)
        if (is_of_product(operand)) add(operand);
    return value;
  }

  /// What the concatenation `value` is made of has the range of `source`, but where it has one.
  void share(ValueId value, ValueId source) {
    const Node& node = graph_.node(value.node);
    const size_t parts = joins_elements(node) ? node.operands.size() : moves_elements(node) ? 1 : 0;
    for (size_t i = 0; i < parts; ++i)
      if (plan_.integers.try_emplace(node.operands[i], source).second)
        share(node.operands[i], source);
  }

  static bool is_computed_between(const Node& node) {
    return node.op->name == "average_pool" || node.op->name == "reduce_mean" ||
           node.op->name == "add";
  }

  /// Whether a product in integers makes all of it.
  bool is_of_product(ValueId value) const {
    if (plan_.products.contains(value.node)) return true;
    const Node& node = graph_.node(value.node);
    if (!moves_elements(node) && !is_computed_between(node)) return false;
    const size_t parts = moves_elements(node) && !joins_elements(node) ? 1 : node.operands.size();
    return std::all_of(node.operands.begin(),
                       node.operands.begin() + static_cast<std::ptrdiff_t>(parts),
                       [&](const ValueId& operand) { return is_of_product(operand); });
  }

  const Graph& graph_;
  std::map<NodeId, size_t> entries_;
  QuantizePlan plan_;
};

}  // namespace

Tensor filter_of(const Node& product, const ProductPlan& plan, const Tensor& stored) {
  if (product.op->name == "fused_convolution") return stored;
  int64_t first = 1;  // axes that become the matrix's first one
  const int64_t split =
      plan.transpose_filter ? stored.rank() - plan.contracted_axes : plan.contracted_axes;
  for (int64_t axis = 0; axis < split; ++axis) first *= stored.sizes()[static_cast<size_t>(axis)];
  const Tensor matrix =
      stored.reshaped({first, stored.num_elements() / std::max<int64_t>(first, 1)});
  return plan.transpose_filter ? transposed(matrix) : matrix;
}

int64_t groups_of(const Node& product) {
  return product.op->name == "fused_convolution"
             ? product.attributes.as<FusedConvolutionAttributes>().convolution.groups
             : 1;
}

std::vector<ValueId> QuantizePlan::observed() const {
  std::set<ValueId> values;
  for (const auto& [value, source] : integers) values.insert(source);
  return {values.begin(), values.end()};
}

Node product_alone(Node node) {
  auto attributes = node.attributes.as<FusedConvolutionAttributes>();
  attributes.residual = false;
  attributes.activation = Activation::none;
  node.attributes = Attributes(attributes);
  node.operands.pop_back();
  return node;
}

bool joins_elements(const Node& node) {
  return node.op->name == "concatenate";
}

bool moves_elements(const Node& node) {
  return joins_elements(node) || node.op->name == "max_pool" || node.op->name == "reshape" ||
         node.op->name == "transpose";
}

QuantizePlan plan_quantization(const Program& folded,
                               const std::set<std::string, std::less<>>& float_layers) {
  return Planner(folded).plan(float_layers);
}

}  // namespace brisk
