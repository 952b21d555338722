#include "brisk/nn/layers/convolution.h"

#include "brisk/nn/activations.h"
#include "brisk/nn/layers/image_input.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

ConvolutionAttributes convolution_attributes(const Value& x, const std::vector<int64_t>& kernel_size,
                                             const std::vector<int64_t>& strides, const std::string& padding,
                                             const std::vector<int64_t>& dilation_rate) {
  require_image_input(x);
  require_two("kernel_size", kernel_size);
  require_two("strides", strides);
  require_two("dilation_rate", dilation_rate);
  ConvolutionAttributes attributes{strides, {0, 0}, {0, 0}, dilation_rate, 1};
  if (is_same_padding(padding)) same_padding(spatial_sizes(x), kernel_size, attributes);
  return attributes;
}

}  // namespace

Value Conv2D::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  ConvolutionAttributes attributes = convolution_attributes(x, kernel_size, strides, padding, dilation_rate);
  attributes.groups = groups;
  const int64_t channels = x.shape().size(3);
  require(filters > 0, "filters is {}, but must be positive", filters);
  require(groups > 0 && channels % groups == 0 && filters % groups == 0,
          "groups is {}, but must divide {} channels and {} filters", groups, channels, filters);
  const Value kernel = context.parameter(
      "kernel", Type(x.dtype(), {kernel_size[0], kernel_size[1], channels / groups, filters}), kernel_initializer);
  Value y = convolution(x, kernel, attributes);
  if (use_bias) y = y + context.parameter("bias", Type(x.dtype(), {filters}), bias_initializer);
  return brisk::activation(activation, y);
}

Value DepthwiseConv2D::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  ConvolutionAttributes attributes = convolution_attributes(x, kernel_size, strides, padding, dilation_rate);
  const int64_t channels = x.shape().size(3);
  require(depth_multiplier > 0, "depth_multiplier is {}, but must be positive", depth_multiplier);
  attributes.groups = channels;
  const Value kernel = context.parameter(
      "kernel", Type(x.dtype(), {kernel_size[0], kernel_size[1], channels, depth_multiplier}), depthwise_initializer);
  // Keras's [h, w, channels, multiplier] is the grouped filter [h, w, 1, channels * multiplier].
  const Value filter = reshape(kernel, {kernel_size[0], kernel_size[1], 1, channels * depth_multiplier});
  Value y = convolution(x, filter, attributes);
  if (use_bias)
    y = y + context.parameter("bias", Type(x.dtype(), {channels * depth_multiplier}), bias_initializer);
  return brisk::activation(activation, y);
}

Value ZeroPadding2D::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  require_image_input(x);
  require(padding.size() == 4, "padding has {} numbers, but needs top, bottom, left, right", padding.size());
  return pad(x, context.builder().scalar(x.dtype(), 0), {0, padding[0], padding[2], 0},
             {0, padding[1], padding[3], 0});
}

}  // namespace brisk
