#include "brisk/nn/layers/convolution.h"

#include <algorithm>

#include "brisk/nn/activations.h"
#include "brisk/nn/layers/spatial_input.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

/// Keras's [spatial..., channels, multiplier] is the grouped filter [spatial..., 1, channels *
/// multiplier].
Value depthwise(LayerContext& context, const std::string& name, Value x,
                ConvolutionAttributes attributes, const std::vector<int64_t>& kernel_size,
                int64_t multiplier, const std::string& initializer) {
  const int64_t channels = channels_of(x);
  require(multiplier > 0, "depth_multiplier is {}, but must be positive", multiplier);
  attributes.groups = channels;
  const Value kernel = context.parameter(
      name, Type(x.dtype(), kernel_shape(kernel_size, channels, multiplier)), initializer);
  return convolution(x, reshape(kernel, kernel_shape(kernel_size, 1, channels * multiplier)),
                     attributes);
}

/// Bias, activation and the order of axes: what ends every convolution.
Value finish(LayerContext& context, Value y, bool use_bias, const std::string& bias_initializer,
             const std::string& activation, const std::string& data_format) {
  if (use_bias)
    y = y + context.parameter("bias", Type(y.dtype(), {channels_of(y)}), bias_initializer);
  if (activation == "softmax" ||
      activation == "log_softmax")  // along the last axis, whichever that is
    return brisk::activation(activation, from_channels_last(y, data_format));
  return from_channels_last(brisk::activation(activation, y), data_format);
}

/// Size of a transposed convolution's result along one axis, and the padding of the convolution
/// that it is the gradient of.
struct TransposedAxis {
  int64_t size, pad_low, pad_high;
};
TransposedAxis transposed_axis(int64_t size, int64_t reach, int64_t stride, bool same,
                               std::optional<int64_t> output_padding) {
  TransposedAxis axis{};
  if (!output_padding) {
    axis.size = same ? size * stride : size * stride + std::max<int64_t>(reach - stride, 0);
    const int64_t total = same ? std::max<int64_t>(reach - stride, 0) : 0;
    axis.pad_low = total / 2;
    axis.pad_high = total - axis.pad_low;
    return axis;
  }
  // As lax.conv_transpose pads the widened input, seen from the convolution's side.
  const int64_t padding =
      same ? reach - 2 + reach % 2 + *output_padding : 2 * (reach - 1) + *output_padding;
  const int64_t before = !same || stride > reach - 1 ? reach - 1 : (padding + 1) / 2;
  axis.size = (size - 1) * stride + padding - reach + 2;
  axis.pad_low = reach - 1 - before;
  axis.pad_high = std::max<int64_t>((size - 1) * stride + reach - axis.size - axis.pad_low, 0);
  return axis;
}

}  // namespace

template <int kRank>
Value Convolution<kRank>::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = to_channels_last(inputs[0], kRank, data_format);
  ConvolutionAttributes attributes =
      convolution_window(x, kernel_size, strides, padding, dilation_rate);
  attributes.groups = groups;
  const int64_t channels = channels_of(x);
  require(filters > 0, "filters is {}, but must be positive", filters);
  require(groups > 0 && channels % groups == 0 && filters % groups == 0,
          "groups is {}, but must divide {} channels and {} filters", groups, channels, filters);
  const Value kernel = context.parameter(
      "kernel", Type(x.dtype(), kernel_shape(kernel_size, channels / groups, filters)),
      kernel_initializer);
  return finish(context, convolution(x, kernel, attributes), use_bias, bias_initializer, activation,
                data_format);
}

template <int kRank>
Value DepthwiseConvolution<kRank>::build(LayerContext& context,
                                         std::span<const Value> inputs) const {
  const Value x = to_channels_last(inputs[0], kRank, data_format);
  const ConvolutionAttributes attributes =
      convolution_window(x, kernel_size, strides, padding, dilation_rate);
  const Value y = depthwise(context, "kernel", x, attributes, kernel_size, depth_multiplier,
                            depthwise_initializer);
  return finish(context, y, use_bias, bias_initializer, activation, data_format);
}

template <int kRank>
Value SeparableConvolution<kRank>::build(LayerContext& context,
                                         std::span<const Value> inputs) const {
  const Value x = to_channels_last(inputs[0], kRank, data_format);
  require(filters > 0, "filters is {}, but must be positive", filters);
  const ConvolutionAttributes attributes =
      convolution_window(x, kernel_size, strides, padding, dilation_rate);
  const Value deep = depthwise(context, "depthwise_kernel", x, attributes, kernel_size,
                               depth_multiplier, depthwise_initializer);
  const std::vector<int64_t> ones(kRank, 1), none(kRank, 0);
  const Value pointwise = context.parameter(
      "pointwise_kernel", Type(x.dtype(), kernel_shape(ones, channels_of(deep), filters)),
      pointwise_initializer);
  const Value y = convolution(deep, pointwise, {ones, none, none, ones, 1});
  return finish(context, y, use_bias, bias_initializer, activation, data_format);
}

template <int kRank>
Value TransposedConvolution<kRank>::build(LayerContext& context,
                                          std::span<const Value> inputs) const {
  const Value x = to_channels_last(inputs[0], kRank, data_format);
  require(filters > 0, "filters is {}, but must be positive", filters);
  require_positive("kernel_size", kernel_size, kRank);
  require_positive("strides", strides, kRank);
  require_positive("dilation_rate", dilation_rate, kRank);
  require(output_padding.empty() || std::ssize(output_padding) == kRank,
          "output_padding must have {} numbers, but has {}", kRank, output_padding.size());
  const bool same = is_same_padding(padding);
  ConvolutionAttributes attributes{strides, {}, {}, dilation_rate, 1};
  Shape shape{x.shape()[0]};
  for (size_t i = 0; i < kRank; ++i) {
    const int64_t reach = (kernel_size[i] - 1) * dilation_rate[i] + 1;
    const TransposedAxis axis =
        transposed_axis(x.shape().size(static_cast<int64_t>(i) + 1), reach, strides[i], same,
                        output_padding.empty() ? std::nullopt : std::optional(output_padding[i]));
    require(axis.size > 0, "output_padding leaves nothing of axis {}", i + 1);
    shape.push_back(Extent(axis.size));
    attributes.pad_low.push_back(axis.pad_low);
    attributes.pad_high.push_back(axis.pad_high);
  }
  shape.push_back(Extent(filters));
  const Value kernel = context.parameter(
      "kernel", Type(x.dtype(), kernel_shape(kernel_size, filters, channels_of(x))),
      kernel_initializer);
  const Value y = convolution_input_gradient(x, kernel, shape, attributes);
  return finish(context, y, use_bias, bias_initializer, activation, data_format);
}

template struct Convolution<1>;
template struct Convolution<2>;
template struct Convolution<3>;
template struct DepthwiseConvolution<1>;
template struct DepthwiseConvolution<2>;
template struct SeparableConvolution<1>;
template struct SeparableConvolution<2>;
template struct TransposedConvolution<1>;
template struct TransposedConvolution<2>;
template struct TransposedConvolution<3>;

}  // namespace brisk
