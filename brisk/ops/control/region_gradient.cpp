#include "brisk/ops/control/region_gradient.h"

#include <algorithm>
#include <set>

#include "brisk/ir/builder.h"

namespace brisk {

bool has_gradient(const Type& type) {
  return type.is_tensor() && is_floating(type.dtype());
}

std::vector<Value> result_cotangents(const Vjp& d) {
  std::vector<Value> cotangents;
  for (size_t i = 0; i < d.results.size(); ++i)
    if (has_gradient(d.out(i).type())) cotangents.push_back(d.grad(i));
  return cotangents;
}

std::vector<bool> dependent_outputs(const Graph& region, const std::vector<bool>& inputs) {
  std::set<ValueId> dependent;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i] && has_gradient(region.input_type(i))) dependent.insert({region.inputs()[i], 0});
  for (size_t id = 0; id < region.nodes().size(); ++id) {
    const Node& node = region.nodes()[id];
    if (!node.op->differentiable || std::ranges::none_of(node.operands, [&](ValueId operand) {
          return dependent.contains(operand);
        }))
      continue;
    for (size_t i = 0; i < node.results.size(); ++i)
      if (has_gradient(node.results[i]))
        dependent.insert({static_cast<NodeId>(id), static_cast<int32_t>(i)});
  }
  std::vector<bool> outputs;
  for (const NamedValue& output : region.outputs())
    outputs.push_back(dependent.contains(output.value));
  return outputs;
}

std::vector<bool> used_inputs(const Graph& region) {
  std::set<NodeId> read;
  for (const Node& node : region.nodes())
    for (const ValueId& operand : node.operands) read.insert(operand.node);
  for (const NamedValue& output : region.outputs()) read.insert(output.value.node);
  std::vector<bool> used;
  for (const NodeId id : region.inputs()) used.push_back(read.contains(id));
  return used;
}

}  // namespace brisk
