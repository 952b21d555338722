#pragma once

/// What a value is where all of its elements are one number.

#include <optional>

#include "brisk/ir/builder.h"
#include "brisk/ops/source/source.h"

namespace brisk {

/// The number that every element of `value` is: a constant of one element, however it is spread.
/// `nodes` is the value's Graph or Builder.
template <typename Nodes>
std::optional<double> splat(const Nodes& nodes, ValueId value) {
  const Node* node = &nodes.node(value.node);
  while (node->op->name == "broadcast" || node->op->name == "reshape")
    node = &nodes.node(node->operands[0].node);
  if (node->op->name != "constant") return std::nullopt;
  const Tensor& tensor = node->attributes.template as<ConstantAttributes>().value;
  return tensor.num_elements() == 1 ? std::optional(tensor.get(0)) : std::nullopt;
}
inline std::optional<double> splat(const Value& value) {
  return splat(*value.builder, value.id);
}

}  // namespace brisk
