#include "brisk/ir/mapped_values.h"

namespace brisk {
namespace {

const Value& mapped_value(ValueId value, const MappedValues& mapped) {
  return mapped[static_cast<size_t>(value.node)][static_cast<size_t>(value.result)];
}

}  // namespace

std::vector<Value> mapped_operands(const Node& node, const MappedValues& mapped) {
  std::vector<Value> operands;
  for (const ValueId& operand : node.operands) operands.push_back(mapped_value(operand, mapped));
  return operands;
}

std::vector<Builder::Output> mapped_outputs(const Graph& graph, const MappedValues& mapped) {
  std::vector<Builder::Output> outputs;
  for (const NamedValue& output : graph.outputs())
    outputs.push_back({output.name, mapped_value(output.value, mapped)});
  return outputs;
}

}  // namespace brisk
