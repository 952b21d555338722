#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/quantize/quantize_ops.h"

namespace brisk {

Op quantized_dot_op() {
  return Op{.name = "quantized_dot", .kind = OpKind::composite}
      .doc(
          "activation((lhs x rhs + bias) * multiplier + residual_scale * residual) of matrices "
          "[..., m, k] and [k, n] of 8-bit integers, rounded to the result's type; the residual is "
          "optional.")
      .operands(4, 5)
      .attributes<RequantizeAttributes>()
      .infer([](const InferContext& context) -> std::vector<Type> {
        const Shape &lhs = context.tensor(0).shape, &rhs = context.tensor(1).shape;
        require(lhs.rank() >= 2 && rhs.rank() == 2 && lhs[lhs.rank() - 1] == rhs[0],
                "[quantized_dot] multiplies [..., m, k] with [k, n], not {} with {}",
                lhs.to_string(), rhs.to_string());
        Shape result = lhs;
        result[lhs.rank() - 1] = rhs[1];
        return {quantized_result(context, result, context.as<RequantizeAttributes>())};
      })
      .decompose([](const DecomposeContext& context) -> std::vector<Value> {
        const Value sum = matmul(cast(context.in(0), DType::i32), cast(context.in(1), DType::i32));
        return {requantized(sum, context.operands.subspan(2), context.as<RequantizeAttributes>())};
      })
      .not_differentiable();
}

Value quantized_dot(std::span<const Value> operands, RequantizeAttributes attributes) {
  require(!operands.empty(), "[quantized_dot] has no operands");
  return operands[0].builder->emit_one("quantized_dot", operands, std::move(attributes));
}

}  // namespace brisk
