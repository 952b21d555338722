#include "brisk/base/error.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/convolve/convolve_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const DType dtype = convolution_dtype("convolution", context.operands[0], context.operands[1]);
  return {
      Type(dtype, convolution_shape("convolution", context.tensor(0).shape, context.tensor(1).shape,
                                    context.as<ConvolutionAttributes>()))};
}

std::vector<Value> vjp(const Vjp& d) {
  const auto& attributes = d.as<ConvolutionAttributes>();
  const Value &input = d.in(0), &filter = d.in(1);
  const Value g = d.grad();
  std::vector<Value> gradients(2);
  if (d.needs(0)) gradients[0] = convolution_input_gradient(g, filter, input.shape(), attributes);
  if (d.needs(1)) gradients[1] = convolution_filter_gradient(input, g, filter.shape(), attributes);
  return gradients;
}

}  // namespace

Op convolution_op() {
  return Op{.name = "convolution", .kind = OpKind::convolve}
      .doc(
          "Slides a filter [kernel..., channels / groups, filters] over an input [batch, "
          "spatial..., channels] and sums products over kernel and channels.")
      .operands(2)
      .attributes<ConvolutionAttributes>()
      .infer(infer)
      .vjp(vjp);
}

Value convolution(Value input, Value filter, ConvolutionAttributes attributes) {
  return input.builder->emit_one("convolution", {input, filter}, std::move(attributes));
}

void same_padding(std::span<const int64_t> spatial, std::span<const int64_t> kernel,
                  ConvolutionAttributes& attributes) {
  const size_t count = spatial.size();
  require(kernel.size() == count && attributes.strides.size() == count &&
              attributes.dilations.size() == count,
          "[convolution] padding of {} spatial axes needs as many kernel extents, strides and "
          "dilations, not {}, {} and {}",
          count, kernel.size(), attributes.strides.size(), attributes.dilations.size());
  attributes.pad_low.assign(count, 0);
  attributes.pad_high.assign(count, 0);
  for (size_t i = 0; i < count; ++i) {
    const int64_t stride = attributes.strides[i];
    const int64_t reach = (kernel[i] - 1) * attributes.dilations[i] + 1;
    const int64_t results = (spatial[i] + stride - 1) / stride;
    const int64_t total = std::max<int64_t>((results - 1) * stride + reach - spatial[i], 0);
    attributes.pad_low[i] = total / 2;
    attributes.pad_high[i] = total - total / 2;
  }
}

}  // namespace brisk
