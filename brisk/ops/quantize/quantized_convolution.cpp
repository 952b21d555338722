#include "brisk/base/error.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/quantize/quantize_ops.h"

namespace brisk {

Op quantized_convolution_op() {
  return Op{.name = "quantized_convolution", .kind = OpKind::composite}
      .doc(
          "activation((convolution(input, filter) + bias) * multiplier + residual_scale * "
          "residual) "
          "of 8-bit integers, rounded to the result's type; the residual is optional.")
      .operands(4, 5)
      .attributes<QuantizedConvolutionAttributes>()
      .infer([](const InferContext& context) -> std::vector<Type> {
        const auto& attributes = context.as<QuantizedConvolutionAttributes>();
        const Shape shape = convolution_shape("quantized_convolution", context.tensor(0).shape,
                                              context.tensor(1).shape, attributes.convolution);
        return {quantized_result(context, shape, attributes.requantize)};
      })
      .decompose([](const DecomposeContext& context) -> std::vector<Value> {
        const auto& attributes = context.as<QuantizedConvolutionAttributes>();
        const Value sum = convolution(cast(context.in(0), DType::i32),
                                      cast(context.in(1), DType::i32), attributes.convolution);
        return {requantized(sum, context.operands.subspan(2), attributes.requantize)};
      })
      .not_differentiable();
}

Value quantized_convolution(std::span<const Value> operands,
                            QuantizedConvolutionAttributes attributes) {
  require(!operands.empty(), "[quantized_convolution] has no operands");
  return operands[0].builder->emit_one("quantized_convolution", operands, std::move(attributes));
}

}  // namespace brisk
