#include <array>

#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/fused/fused_ops.h"
#include "brisk/ops/move/move.h"

// What batch norm through a 1x1 convolution (passes/batch_norm_through_pointwise.h) leaves for its
// input's gradient: the convolution's own input gradient, and the gradients of the input's moments,
// a product with a matrix of channels and a vector. All is computed in the compute type, and dz is
// rounded once.

namespace brisk {
namespace {

constexpr std::string_view kName = "moments_gradient_scale_shift";

std::vector<Type> infer(const InferContext& context) {
  const auto& attributes = context.as<ConvolutionGradientAttributes>();
  const Type &dy = context.operands[0], &filter = context.operands[1];
  const Type image(convolution_dtype(kName, dy, filter), attributes.shape);
  require(is_floating(image.dtype()), "[{}] takes floating types, not {}", kName,
          name(image.dtype()));
  const Shape result =
      convolution_shape(kName, attributes.shape, filter.shape(), attributes.convolution);
  require(dy.shape() == result, "[{}] the result gradient must have the shape {}, but has {}",
          kName, result.to_string(), dy.shape().to_string());
  const Extent channels = image.shape()[image.rank() - 1];
  const Type matrix(image.dtype(), Shape{channels, channels}), vector = channel_vector(image);
  const std::vector<Type> expected = {image, matrix, vector, image, vector, vector};
  constexpr std::array names = {"input", "matrix", "offset", "x", "scale", "shift"};
  for (size_t i = 0; i < expected.size(); ++i)
    require(context.operands[i + 2] == expected[i], "[{}] {} must be {}, but is {}", kName,
            names[i], expected[i].to_string(), context.operands[i + 2].to_string());
  return {image, vector, vector};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const auto& attributes = context.as<ConvolutionGradientAttributes>();
  const DType wide = compute_type(context.in(2).dtype());
  const auto in = [&](size_t i) { return cast(context.in(i), wide); };
  const Value input = in(2), matrix = in(3), offset = in(4), x = in(5);
  const int64_t channels = matrix.shape().sizes()[0];
  const Value rows = reshape(input, Shape{input.shape().num_elements() / channels, channels});
  const Value of_products = dot_general(rows, matrix, {.lhs_contract = {1}, .rhs_contract = {1}});
  const Value gradient =
      convolution_input_gradient(in(0), in(1), attributes.shape, attributes.convolution) +
      reshape(of_products, input.shape()) + offset;
  const ScaleShiftGradient at = scale_shift_relu_gradient(gradient, x, in(6), in(7));
  return {cast(at.dz, context.in(2).dtype()), at.sum_x, at.sum};
}

}  // namespace

Op moments_gradient_scale_shift_op() {
  return Op{.name = std::string(kName), .kind = OpKind::composite}
      .doc(
          "scale_shift_relu_gradient of a convolution's input gradient plus the gradients of its "
          "input's moments: the input times a matrix, and a vector.")
      .operands(8)
      .attributes<ConvolutionGradientAttributes>()
      .infer(infer)
      .decompose(decompose)
      .not_smooth();
}

ScaleShiftGradient moments_gradient_scale_shift(Value result_gradient, Value filter,
                                                const MomentsGradient& moments, Value x,
                                                Value scale, Value shift,
                                                ConvolutionGradientAttributes attributes) {
  const std::vector<Value> operands = {result_gradient, filter, moments.input, moments.matrix,
                                       moments.offset,  x,      scale,         shift};
  const std::vector<Value> results =
      result_gradient.builder->emit(kName, operands, std::move(attributes));
  return {results[0], results[1], results[2]};
}

}  // namespace brisk
