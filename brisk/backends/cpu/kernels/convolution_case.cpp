#include "brisk/backends/cpu/kernels/convolution_case.h"

#include "brisk/ops/fused/fused.h"

namespace brisk::cpu {
namespace {

/// Sizes of the last two of `count` spatial axes, the first of which may be missing.
struct Plane {
  int64_t y = 1, x = 1;
};

Plane plane(const std::vector<int64_t>& per_axis, int64_t missing) {
  if (per_axis.size() == 1) return {missing, per_axis[0]};
  return {per_axis[0], per_axis[1]};
}

Plane spatial(const Shape& shape, int64_t first, int64_t axes) {
  if (axes == 1) return {1, shape.size(first)};
  return {shape.size(first), shape.size(first + 1)};
}

}  // namespace

double ConvolutionCase::flops() const {
  return 2.0 * static_cast<double>(batch * result_height * result_width * filters) *
         static_cast<double>(kernel_height * kernel_width * (channels / groups));
}

Result<ConvolutionCase> convolution_plane(const Type& input, const Type& filter, const Type& result,
                                          const ConvolutionAttributes& convolution) {
  ConvolutionCase c;
  const int64_t axes = input.rank() - 2;
  if (axes < 1 || axes > 2) return fail("takes one or two spatial axes, not {}", axes);
  for (const Type* type : {&input, &filter, &result})
    if (type->shape().num_elements() == 0) return fail("takes no empty tensor");
  c.batch = input.shape().size(0);
  c.channels = input.shape().size(axes + 1);
  c.filters = result.shape().size(axes + 1);
  c.groups = convolution.groups;
  const Plane size = spatial(input.shape(), 1, axes), kernel = spatial(filter.shape(), 0, axes);
  const Plane result_size = spatial(result.shape(), 1, axes);
  const Plane stride = plane(convolution.strides, 1), dilation = plane(convolution.dilations, 1);
  const Plane low = plane(convolution.pad_low, 0), high = plane(convolution.pad_high, 0);
  c.height = size.y, c.width = size.x;
  c.kernel_height = kernel.y, c.kernel_width = kernel.x;
  c.result_height = result_size.y, c.result_width = result_size.x;
  c.stride_y = stride.y, c.stride_x = stride.x;
  c.dilation_y = dilation.y, c.dilation_x = dilation.x;
  c.pad_y = low.y, c.pad_x = low.x;
  c.pad_end_y = high.y, c.pad_end_x = high.x;
  return c;
}

Result<ConvolutionCase> convolution_case(const KernelRequest& request, DType type) {
  const std::string& op = request.node.op->name;
  const Attributes& attributes = request.node.attributes;
  for (const Type& operand : request.operands)
    if (operand.dtype() != type)
      return fail("works in {}, not {}", brisk::name(type), brisk::name(operand.dtype()));

  ConvolutionCase c;
  const Type &first = request.operands[0], &second = request.operands[1];
  const Type& out = request.node.results[0];
  const Type *input = &first, *filter = &second, *result = &out;
  ConvolutionAttributes convolution;
  if (op == "convolution") {
    convolution = attributes.as<ConvolutionAttributes>();
  } else if (op == "fused_convolution") {
    const auto& fused = attributes.as<FusedConvolutionAttributes>();
    convolution = fused.convolution;
    c.bias = fused.bias;
    c.residual = fused.residual;
    c.relu = fused.activation == Activation::relu;
    c.relu6 = fused.activation == Activation::relu6;
  } else {
    convolution = attributes.as<ConvolutionGradientAttributes>().convolution;
    if (op == "convolution_input_gradient") {
      c.role = ConvolutionCase::Role::input_gradient;
      input = &out, filter = &second, result = &first;
    } else {
      invariant(op == "convolution_filter_gradient", "{} is no convolution", op);
      c.role = ConvolutionCase::Role::filter_gradient;
      input = &first, filter = &out, result = &second;
    }
  }

  const Result<ConvolutionCase> numbers = convolution_plane(*input, *filter, *result, convolution);
  if (!numbers.ok()) return fail("{}", numbers.error());
  ConvolutionCase whole = *numbers;
  whole.role = c.role;
  whole.bias = c.bias, whole.residual = c.residual, whole.relu = c.relu, whole.relu6 = c.relu6;
  return whole;
}

}  // namespace brisk::cpu
