#include "brisk/base/error.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/convolve/convolve_ops.h"

// With the trilinear form T(x, w, g) = sum(convolution(x, w) * g), this op is dT/dx, a function of
// w and g; so its own derivatives are dT/dg (the convolution) and dT/dw (the filter's gradient).

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<ConvolutionGradientAttributes>();
  const DType dtype = convolution_dtype(context.op.name, context.operands[0], context.operands[1]);
  const Shape result = convolution_shape(context.op.name, attributes.shape, context.tensor(1).shape,
                                         attributes.convolution);
  require(result == context.tensor(0).shape,
          "[{}] the convolution of an input {} has the result {}, but the gradient given is {}",
          context.op.name, attributes.shape.to_string(), result.to_string(),
          context.tensor(0).shape.to_string());
  return {Type(dtype, attributes.shape)};
}

std::vector<Value> vjp(const Vjp& d) {
  const auto& attributes = d.as<ConvolutionGradientAttributes>().convolution;
  const Value &result_gradient = d.in(0), &filter = d.in(1);
  const Value g = d.grad();
  std::vector<Value> gradients(2);
  if (d.needs(0)) gradients[0] = convolution(g, filter, attributes);
  if (d.needs(1))
    gradients[1] = convolution_filter_gradient(g, result_gradient, filter.shape(), attributes);
  return gradients;
}

}  // namespace

Op convolution_input_gradient_op() {
  return Op{.name = "convolution_input_gradient", .kind = OpKind::convolve}
      .doc(
          "The gradient of a convolution with respect to its input, from the gradient of its "
          "result and the filter; also the transposed convolution.")
      .operands(2)
      .attributes<ConvolutionGradientAttributes>()
      .infer(infer)
      .vjp(vjp);
}

Value convolution_input_gradient(Value result_gradient, Value filter, Shape input_shape,
                                 ConvolutionAttributes attributes) {
  return result_gradient.builder->emit_one(
      "convolution_input_gradient", {result_gradient, filter},
      ConvolutionGradientAttributes{std::move(attributes), std::move(input_shape)});
}

}  // namespace brisk
