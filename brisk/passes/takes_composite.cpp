#include "brisk/passes/takes_composite.h"

namespace brisk {

bool takes_composite(const LoweringTarget& target, const Value& made) {
  if (!target.takes_composite) return true;
  const Node& node = made.builder->node(made.id.node);
  std::vector<Type> types;
  for (const ValueId& operand : node.operands) types.push_back(Value{made.builder, operand}.type());
  return target.takes_composite(node, types);
}

}  // namespace brisk
