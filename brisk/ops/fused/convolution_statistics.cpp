#include "brisk/base/error.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/channel_sums.h"
#include "brisk/ops/fused/fused_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  constexpr std::string_view kName = "convolution_statistics";
  const DType dtype = convolution_dtype(kName, context.operands[0], context.operands[1]);
  require(is_floating(dtype), "[convolution_statistics] operands must be floating, but are {}",
          name(dtype));
  const Type y(dtype, convolution_shape(kName, context.tensor(0).shape, context.tensor(1).shape,
                                        context.as<ConvolutionAttributes>()));
  return {y, channel_vector(y), channel_vector(y)};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const Value y = convolution(context.in(0), context.in(1), context.as<ConvolutionAttributes>());
  const Value wide = cast(y, compute_type(y.dtype()));
  return {y, channel_sum(wide), channel_sum(square(wide))};
}

/// The sums' gradients join the result's: d y += d sum + 2 y d square_sum.
std::vector<Value> vjp(const Vjp& d) {
  const auto& attributes = d.as<ConvolutionAttributes>();
  const Value &input = d.in(0), &filter = d.in(1), &y = d.out(0);
  std::vector<Value> gradients(2);
  const DType wide = compute_type(y.dtype());
  Value total;
  const auto join = [&](Value part) { total = total.defined() ? total + part : part; };
  if (d.has_grad(0)) join(cast(d.grad(0), wide));
  if (d.has_grad(2)) join(cast(y, wide) * (d.grad(2) * 2.0));
  if (!total.defined() && !d.has_grad(1)) return gradients;
  if (!total.defined()) total = zeros(d.builder, Type(wide, y.shape()));
  if (d.has_grad(1)) join(d.grad(1));
  total = cast(total, y.dtype());
  if (d.needs(0))
    gradients[0] = convolution_input_gradient(total, filter, input.shape(), attributes);
  if (d.needs(1))
    gradients[1] = convolution_filter_gradient(input, total, filter.shape(), attributes);
  return gradients;
}

}  // namespace

Op convolution_statistics_op() {
  return Op{.name = "convolution_statistics", .kind = OpKind::composite}
      .doc(
          "A convolution, and per output channel the sum and the sum of squares of its result over "
          "the batch and the spatial axes.")
      .operands(2)
      .attributes<ConvolutionAttributes>()
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose);
}

ConvolutionStatistics convolution_statistics(Value input, Value filter,
                                             ConvolutionAttributes attributes) {
  const std::vector<Value> operands = {input, filter};
  const auto results =
      input.builder->emit("convolution_statistics", operands, std::move(attributes));
  return {results[0], results[1], results[2]};
}

}  // namespace brisk
