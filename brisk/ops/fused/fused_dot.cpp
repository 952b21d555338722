#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/activation.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/fused/fused_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<FusedDotAttributes>();
  const size_t expected = 2 + (attributes.bias ? 1 : 0);
  require(context.operands.size() == expected, "[fused_dot] takes {} operands, but gets {}",
          expected, context.operands.size());
  const TensorType &lhs = context.tensor(0), &rhs = context.tensor(1);
  require(lhs.dtype == rhs.dtype && lhs.dtype != DType::boolean,
          "[fused_dot] operands must be of one numeric type, but are {} and {}", name(lhs.dtype),
          name(rhs.dtype));
  require(lhs.shape.rank() == 2 && rhs.shape.rank() == 2,
          "[fused_dot] operands must be matrices, but are {} and {}", lhs.shape.to_string(),
          rhs.shape.to_string());
  const Extent& left = lhs.shape[attributes.transpose_lhs ? 0 : 1];
  const Extent& right = rhs.shape[attributes.transpose_rhs ? 1 : 0];
  require(left == right, "[fused_dot] the left operand sums over {} elements, the right over {}",
          left.to_string(), right.to_string());
  const Extent rows = lhs.shape[attributes.transpose_lhs ? 1 : 0];
  const Extent columns = rhs.shape[attributes.transpose_rhs ? 0 : 1];
  if (attributes.bias) {
    const Type bias(lhs.dtype, {columns});
    require(context.operands[2] == bias, "[fused_dot] the bias must be {}, but is {}",
            bias.to_string(), context.operands[2].to_string());
  }
  return {Type(lhs.dtype, {rows, columns})};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& attributes = context.as<FusedDotAttributes>();
  Value y = dot_general(context.in(0), context.in(1),
                        {.lhs_contract = {attributes.transpose_lhs ? 0 : 1},
                         .rhs_contract = {attributes.transpose_rhs ? 1 : 0}});
  if (attributes.bias) y = y + context.in(2);
  return {activate(y, attributes.activation)};
}

}  // namespace

Op fused_dot_op() {
  return Op{.name = "fused_dot", .kind = OpKind::fused}
      .doc("activation(lhs x rhs + bias) of matrices, each as it is or transposed; bias optional.")
      .operands(2, 3)
      .attributes<FusedDotAttributes>()
      .infer(infer)
      .decompose(decompose);
}

Value fused_dot(std::span<const Value> operands, FusedDotAttributes attributes) {
  require(!operands.empty(), "[fused_dot] has no operands");
  return operands[0].builder->emit_one("fused_dot", operands, attributes);
}

}  // namespace brisk
