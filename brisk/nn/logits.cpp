#include "brisk/nn/logits.h"

#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

bool is_activation(const Node& node, std::string_view activation) {
  if (node.op->name != activation) return false;
  return activation != "softmax" ||
         node.attributes.as<AxisAttributes>().axis == node.results[0].shape().rank() - 1;
}

}  // namespace

std::optional<Value> logits_of(Value probabilities, std::string_view activation) {
  const Builder& builder = *probabilities.builder;
  ValueId at = probabilities.id;
  while (builder.node(at.node).op->name == "cast") at = builder.node(at.node).operands[0];
  const Node& node = builder.node(at.node);
  if (!is_activation(node, activation)) return std::nullopt;
  return Value{probabilities.builder, node.operands[0]};
}

bool ends_in_softmax(const Graph& model) {
  const ValueId output = model.outputs()[0].value;
  const Node* node = &model.node(output.node);
  auto result = static_cast<size_t>(output.result);
  while (node->op->name == "call") {
    const Graph& body = node->regions[0];
    const ValueId inner = body.outputs()[result].value;
    node = &body.node(inner.node);
    result = static_cast<size_t>(inner.result);
  }
  return is_activation(*node, "softmax");
}

}  // namespace brisk
