#include "brisk/compress/quantize_plan.h"

#include <algorithm>

#include "brisk/ops/fused/fused.h"

// A value becomes integers when a quantized product reads it as its input or residual, or when the
// product that makes it has a residual (which comes in as integers and is summed in place). From
// there integers go up through what only moves elements, to the op that makes them.

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

  /// Adds `value` and what it is moved from; returns the value that has the range.
  ValueId add(ValueId value) {
    if (const auto found = plan_.integers.find(value); found != plan_.integers.end())
      return found->second;
    const Node& node = graph_.node(value.node);
    const ValueId source =
        moves_elements(node) && value.result == 0 ? add(node.operands[0]) : value;
    return plan_.integers[value] = source;
  }

  const Graph& graph_;
  std::map<NodeId, size_t> entries_;
  QuantizePlan plan_;
};

}  // namespace

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

bool moves_elements(const Node& node) {
  return node.op->name == "max_pool" || node.op->name == "reshape" || node.op->name == "transpose";
}

QuantizePlan plan_quantization(const Program& folded,
                               const std::set<std::string, std::less<>>& float_layers) {
  return Planner(folded).plan(float_layers);
}

}  // namespace brisk
