#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/quantize/quantize_ops.h"
#include "brisk/ops/quantize/weight_only.h"

namespace brisk {

Op weight_only_dot_op() {
  return Op{.name = "weight_only_dot", .kind = OpKind::composite}
      .doc(
          "(lhs x rhs) * scale in f32, of matrices [..., m, k] of f32 or bf16 and [k, n] of i8, "
          "and "
          "a scale for each column.")
      .operands(3)
      .infer([](const InferContext& context) -> std::vector<Type> {
        const TensorType &lhs = context.tensor(0), &rhs = context.tensor(1);
        require((lhs.dtype == DType::f32 || lhs.dtype == DType::bf16) && rhs.dtype == DType::i8,
                "[weight_only_dot] multiplies f32 or bf16 with i8, not {} with {}", name(lhs.dtype),
                name(rhs.dtype));
        require(lhs.shape.rank() >= 2 && rhs.shape.rank() == 2 &&
                    lhs.shape[lhs.shape.rank() - 1] == rhs.shape[0],
                "[weight_only_dot] multiplies [..., m, k] with [k, n], not {} with {}",
                lhs.shape.to_string(), rhs.shape.to_string());
        const Type scale(DType::f32, {rhs.shape[1]});
        require(context.operands[2] == scale, "[weight_only_dot] the scale must be {}, but is {}",
                scale.to_string(), context.operands[2].to_string());
        Shape result = lhs.shape;
        result[lhs.shape.rank() - 1] = rhs.shape[1];
        return {Type(DType::f32, result)};
      })
      .decompose([](const DecomposeContext& context) -> std::vector<Value> {
        return {matmul(cast(context.in(0), DType::f32), cast(context.in(1), DType::f32)) *
                context.in(2)};
      })
      .not_differentiable();
}

Value weight_only_dot(Value lhs, Value rhs, Value scale) {
  return lhs.builder->emit_one("weight_only_dot", {lhs, rhs, scale});
}

}  // namespace brisk
