#include "brisk/base/error.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/fused/fused_ops.h"
#include "brisk/ops/move/move.h"

// Two ops, since they read different things: where there was no residual, the sign of the ReLU's
// operand is computed again from x, which is read anyway; where there was one, it is the sign of
// the result, which is as large as the residual and kept for the next layer anyway.

namespace brisk {
namespace {

void require_image(std::string_view op, const InferContext& context) {
  const Type &g = context.operands[0], &x = context.operands[1];
  require(is_floating(x.dtype()) && x.rank() >= 2 && g == x,
          "[{}] gradient and x must be one floating type [..., channels], but are {} and {}", op,
          g.to_string(), x.to_string());
}

std::vector<Type> results_of(const Type& x) {
  return {x, channel_vector(x), channel_vector(x)};
}

std::vector<Value> masked(Value g, Value x, Value open) {
  const Value dz = select(open, g, zeros(*g.builder, g.type()));
  const DType wide = compute_type(x.dtype());
  const Value long_dz = cast(dz, wide);
  return {dz, channel_sum(long_dz * cast(x, wide)), channel_sum(long_dz)};
}

Value is_positive(Value x) {
  return greater(x, zeros(*x.builder, x.type()));
}

std::vector<Type> infer_relu(const InferContext& context) {
  require_image("scale_shift_relu_gradient", context);
  const Type vector = channel_vector(context.operands[1]);
  require(context.operands[2] == vector && context.operands[3] == vector,
          "[scale_shift_relu_gradient] scale and shift must be {}, but are {} and {}",
          vector.to_string(), context.operands[2].to_string(), context.operands[3].to_string());
  return results_of(context.operands[1]);
}

std::vector<Value> decompose_relu(const DecomposeContext& context) {
  const Value &g = context.in(0), &x = context.in(1);
  const Value before = cast(x, compute_type(x.dtype())) * context.in(2) + context.in(3);
  return masked(g, x, is_positive(before));
}

std::vector<Type> infer_result(const InferContext& context) {
  require_image("scale_shift_result_gradient", context);
  require(context.operands[2] == context.operands[1],
          "[scale_shift_result_gradient] the result must be {}, but is {}",
          context.operands[1].to_string(), context.operands[2].to_string());
  return results_of(context.operands[1]);
}

std::vector<Value> decompose_result(const DecomposeContext& context) {
  return masked(context.in(0), context.in(1), is_positive(context.in(2)));
}

std::vector<Type> infer_input_gradient(const InferContext& context) {
  constexpr std::string_view kName = "input_gradient_scale_shift";
  const auto& attributes = context.as<ConvolutionGradientAttributes>();
  const Type &dy = context.operands[0], &filter = context.operands[1], &x = context.operands[2];
  const DType dtype = convolution_dtype(kName, dy, filter);
  const Type expected(dtype, attributes.shape);
  require(x == expected, "[{}] x must be {}, but is {}", kName, expected.to_string(),
          x.to_string());
  const Shape result =
      convolution_shape(kName, attributes.shape, filter.shape(), attributes.convolution);
  require(dy.shape() == result, "[{}] the result gradient must have the shape {}, but has {}",
          kName, result.to_string(), dy.shape().to_string());
  const Type vector = channel_vector(x);
  require(context.operands[3] == vector && context.operands[4] == vector,
          "[{}] scale and shift must be {}, but are {} and {}", kName, vector.to_string(),
          context.operands[3].to_string(), context.operands[4].to_string());
  return results_of(x);
}

std::vector<Value> decompose_input_gradient(const DecomposeContext& context) {
  const auto& attributes = context.as<ConvolutionGradientAttributes>();
  const Value g = convolution_input_gradient(context.in(0), context.in(1), attributes.shape,
                                             attributes.convolution);
  const ScaleShiftGradient at =
      scale_shift_relu_gradient(g, context.in(2), context.in(3), context.in(4));
  return {at.dz, at.sum_x, at.sum};
}

ScaleShiftGradient gradient_of(const std::vector<Value>& results) {
  return {results[0], results[1], results[2]};
}

}  // namespace

Op scale_shift_relu_gradient_op() {
  return Op{.name = "scale_shift_relu_gradient", .kind = OpKind::composite}
      .doc(
          "The gradient where x * scale + shift is positive, else 0; and per channel its sums, "
          "with "
          "x and alone.")
      .operands(4)
      .infer(infer_relu)
      .decompose(decompose_relu)
      .not_smooth();
}

Op scale_shift_result_gradient_op() {
  return Op{.name = "scale_shift_result_gradient", .kind = OpKind::composite}
      .doc(
          "The gradient where the result is positive, else 0; and per channel its sums, with x and "
          "alone.")
      .operands(3)
      .infer(infer_result)
      .decompose(decompose_result)
      .not_smooth();
}

Op input_gradient_scale_shift_op() {
  return Op{.name = "input_gradient_scale_shift", .kind = OpKind::composite}
      .doc("scale_shift_relu_gradient of a convolution's input gradient.")
      .operands(5)
      .attributes<ConvolutionGradientAttributes>()
      .infer(infer_input_gradient)
      .decompose(decompose_input_gradient)
      .not_smooth();
}

ScaleShiftGradient scale_shift_relu_gradient(Value gradient, Value x, Value scale, Value shift) {
  const std::vector<Value> operands = {gradient, x, scale, shift};
  return gradient_of(gradient.builder->emit("scale_shift_relu_gradient", operands));
}

ScaleShiftGradient scale_shift_result_gradient(Value gradient, Value x, Value result) {
  const std::vector<Value> operands = {gradient, x, result};
  return gradient_of(gradient.builder->emit("scale_shift_result_gradient", operands));
}

ScaleShiftGradient input_gradient_scale_shift(Value result_gradient, Value filter, Value x,
                                              Value scale, Value shift,
                                              ConvolutionGradientAttributes attributes) {
  const std::vector<Value> operands = {result_gradient, filter, x, scale, shift};
  return gradient_of(
      result_gradient.builder->emit("input_gradient_scale_shift", operands, std::move(attributes)));
}

}  // namespace brisk
