#include "brisk/base/error.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/activation.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/fused/fused_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<FusedConvolutionAttributes>();
  const size_t expected = 2 + (attributes.bias ? 1 : 0) + (attributes.residual ? 1 : 0);
  require(context.operands.size() == expected, "[fused_convolution] takes {} operands, but gets {}",
          expected, context.operands.size());
  const DType dtype =
      convolution_dtype("fused_convolution", context.operands[0], context.operands[1]);
  const Shape shape = convolution_shape("fused_convolution", context.tensor(0).shape,
                                        context.tensor(1).shape, attributes.convolution);
  if (attributes.bias) {
    const Type bias(dtype, {shape[shape.rank() - 1]});
    require(context.operands[2] == bias, "[fused_convolution] the bias must be {}, but is {}",
            bias.to_string(), context.operands[2].to_string());
  }
  const Type result(dtype, shape);
  if (attributes.residual)
    require(context.operands.back() == result,
            "[fused_convolution] the residual must be {}, but is {}", result.to_string(),
            context.operands.back().to_string());
  return {result};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& attributes = context.as<FusedConvolutionAttributes>();
  Value y = convolution(context.in(0), context.in(1), attributes.convolution);
  if (attributes.bias) y = y + context.in(2);
  if (attributes.residual) y = y + context.operands.back();
  return {activate(y, attributes.activation)};
}

}  // namespace

Op fused_convolution_op() {
  return Op{.name = "fused_convolution", .kind = OpKind::fused}
      .doc("activation(convolution(input, filter) + bias + residual); bias and residual optional.")
      .operands(2, 4)
      .attributes<FusedConvolutionAttributes>()
      .infer(infer)
      .decompose(decompose);
}

Value fused_convolution(std::span<const Value> operands, FusedConvolutionAttributes attributes) {
  require(!operands.empty(), "[fused_convolution] has no operands");
  return operands[0].builder->emit_one("fused_convolution", operands, std::move(attributes));
}

}  // namespace brisk
