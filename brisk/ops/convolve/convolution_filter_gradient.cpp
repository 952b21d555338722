#include "brisk/base/error.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/convolve/convolve_ops.h"

// dT/dw of the trilinear form that convolution_input_gradient.cpp names, a function of x and g; its
// own derivatives are dT/dx (the input's gradient) and dT/dg (the convolution).

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<ConvolutionGradientAttributes>();
  const DType dtype = convolution_dtype(context.op.name, context.operands[0], context.operands[1]);
  const Shape result = convolution_shape(context.op.name, context.tensor(0).shape, attributes.shape,
                                         attributes.convolution);
  require(result == context.tensor(1).shape,
          "[{}] the convolution with a filter {} has the result {}, but the gradient given is {}",
          context.op.name, attributes.shape.to_string(), result.to_string(),
          context.tensor(1).shape.to_string());
  return {Type(dtype, attributes.shape)};
}

std::vector<Value> vjp(const Vjp& d) {
  const auto& attributes = d.as<ConvolutionGradientAttributes>().convolution;
  const Value &input = d.in(0), &result_gradient = d.in(1);
  const Value g = d.grad();
  std::vector<Value> gradients(2);
  if (d.needs(0))
    gradients[0] = convolution_input_gradient(result_gradient, g, input.shape(), attributes);
  if (d.needs(1)) gradients[1] = convolution(input, g, attributes);
  return gradients;
}

}  // namespace

Op convolution_filter_gradient_op() {
  return Op{.name = "convolution_filter_gradient", .kind = OpKind::convolve}
      .doc(
          "The gradient of a convolution with respect to its filter, from the input and the "
          "gradient of its result.")
      .operands(2)
      .attributes<ConvolutionGradientAttributes>()
      .infer(infer)
      .vjp(vjp);
}

Value convolution_filter_gradient(Value input, Value result_gradient, Shape filter_shape,
                                  ConvolutionAttributes attributes) {
  return input.builder->emit_one(
      "convolution_filter_gradient", {input, result_gradient},
      ConvolutionGradientAttributes{std::move(attributes), std::move(filter_shape)});
}

}  // namespace brisk
