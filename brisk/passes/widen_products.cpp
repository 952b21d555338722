#include "brisk/passes/widen_products.h"

#include <algorithm>

#include "brisk/ir/rewrite.h"
#include "brisk/ops/elementwise/elementwise.h"

// The casts are left to the loops around: what makes an operand and what reads the result.

namespace brisk {
namespace {

bool is_product(std::string_view op) {
  constexpr std::string_view kProducts[] = {
      "dot_general", "convolution", "convolution_input_gradient", "convolution_filter_gradient"};
  return std::ranges::find(kProducts, op) != std::end(kProducts);
}

}  // namespace

Program widen_products(Program program, const PassContext& context) {
  const std::set<DType>& slow = context.target.slow_products;
  if (slow.empty()) return program;
  program.graph =
      rewrite(program.graph,
              [&](Builder& builder, const Node& node, NodeId /*id*/,
                  std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                if (!is_product(node.op->name) || !slow.contains(operands[0].dtype()))
                  return std::nullopt;
                std::vector<Value> wide;
                for (const Value& operand : operands) wide.push_back(cast(operand, DType::f32));
                const Value product = builder.emit(*node.op, wide, node.attributes, {}).at(0);
                return std::vector<Value>{cast(product, operands[0].dtype())};
              });
  return program;
}

}  // namespace brisk
