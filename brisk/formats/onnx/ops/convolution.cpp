#include "brisk/ops/convolve/convolve.h"

#include <numeric>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/convolution.h"
#include "brisk/formats/onnx/ops/limits.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/formats/onnx/ops/window_geometry.h"

// ONNX convolves [batch, channels, spatial...] with [filters, channels / groups, kernel...]; brisk
// has the channels last. The transposes around a convolution meet those of its neighbours and
// cancel.

namespace brisk::onnx {

std::vector<int64_t> spatial_sizes(const Value& x) {
  std::vector<int64_t> sizes;
  for (int64_t i = 2; i < x.rank(); ++i) sizes.push_back(size_of(x, i));
  return sizes;
}

ConvolutionAttributes convolution_attributes(const Call& c, const Value& x, const Value& filter) {
  require(x.rank() >= 3 && filter.rank() == x.rank(), "it convolves {} with {}",
          x.shape().to_string(), filter.shape().to_string());
  const WindowGeometry g = window_geometry(c, spatial_sizes(x), spatial_sizes(filter));
  return {g.strides, g.low, g.high, g.dilations, c.integer("group", 1)};
}

Value filter_last(Value filter) {
  std::vector<int64_t> order;
  for (int64_t i = 2; i < filter.rank(); ++i) order.push_back(i);
  order.push_back(1);
  order.push_back(0);
  return transpose(filter, order);
}

Value convolve(const Call& c, Value x, Value filter) {
  const ConvolutionAttributes attributes = convolution_attributes(c, x, filter);
  return convolution(channels_last(x), filter_last(filter), attributes);
}

namespace {

void conv(Call& c) {
  Value y = convolve(c, c.in(0), c.in(1));
  if (c.has(2)) y = y + c.in(2);
  c.out(channels_first(y));
}

void conv_transpose(Call& c) {
  const Value x = c.in(0),
              filter = c.in(1);  // [batch, in, spatial...], [in, out / groups, kernel...]
  require(x.rank() >= 3 && filter.rank() == x.rank(), "it convolves {} with {}",
          x.shape().to_string(), filter.shape().to_string());
  const std::vector<int64_t> spatial = spatial_sizes(x), kernel = spatial_sizes(filter),
                             ones(spatial.size(), 1);
  const int64_t groups = c.integer("group", 1);
  ConvolutionAttributes attributes{.strides = c.integers("strides", ones),
                                   .dilations = c.integers("dilations", ones),
                                   .groups = groups};
  const std::vector<int64_t> zeros(spatial.size(), 0), extra = c.integers("output_padding", zeros);
  const std::vector<int64_t> pads = c.integers("pads", std::vector<int64_t>(2 * spatial.size(), 0)),
                             wanted = c.integers("output_shape");
  require(extra.size() == spatial.size() && pads.size() == 2 * spatial.size() &&
              attributes.strides.size() == spatial.size() &&
              attributes.dilations.size() == spatial.size(),
          "its strides, dilations or pads do not fit {} spatial axes", spatial.size());
  check_bounded("strides", attributes.strides);
  check_bounded("dilations", attributes.dilations);
  check_bounded("output_padding", extra);
  check_bounded("pads", pads);
  check_bounded("output_shape", wanted);
  const std::string mode = c.text("auto_pad", "NOTSET");
  Shape shape{extent_of(x, 0)};
  for (size_t i = 0; i < spatial.size(); ++i) {
    const int64_t stride = attributes.strides[i],
                  reach = (kernel[i] - 1) * attributes.dilations[i] + 1;
    const int64_t full = stride * (spatial[i] - 1) + extra[i] + reach;
    int64_t low = pads[i], high = pads[i + spatial.size()], size = full - low - high;
    if (!wanted.empty() || mode == "SAME_UPPER" || mode == "SAME_LOWER") {
      require(wanted.empty() || wanted.size() >= spatial.size(), "its output_shape has {} axes",
              wanted.size());
      size = wanted.empty() ? spatial[i] * stride : wanted[wanted.size() - spatial.size() + i];
      const int64_t total = full - size;
      // A result that is larger than the windows reach is filled at its end, as by output_padding.
      low = total < 0 ? 0 : mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      high = std::max<int64_t>(total, 0) - low;
    }
    require(size > 0, "the size of its result would be {}", size);
    attributes.pad_low.push_back(low);
    attributes.pad_high.push_back(high);
    shape.push_back(Extent(size));
  }
  shape.push_back(Extent(size_of(filter, 1) * groups));
  // output_padding asks for places that the forward convolution would not reach with this padding.
  // [in, out / groups, kernel...] to [kernel..., out / groups, in]
  Value y = convolution_input_gradient(channels_last(x), filter_last(filter), shape, attributes);
  if (c.has(2)) y = y + c.in(2);
  c.out(channels_first(y));
}

/// Convolution whose past is given and handed on: x [batch, channels, length], filter [channels, 1,
/// k].
void causal_conv_with_state(Call& c) {
  Value x = c.in(0);
  const Value filter = c.in(1);
  const int64_t kernel = size_of(filter, filter.rank() - 1), length = size_of(x, 2);
  const Value past = c.has(3) ? c.in(3)
                              : filled(c.builder(), x.dtype(),
                                       {extent_of(x, 0), extent_of(x, 1), Extent(kernel - 1)}, 0);
  const Value joined = concatenate(std::vector<Value>{past, x}, 2);
  const int64_t channels = size_of(x, 1), groups = channels / size_of(filter, 1);
  Value y = convolution(channels_last(joined), transpose(filter, {2, 1, 0}),
                        {{1}, {0}, {0}, {1}, groups});
  if (c.has(2)) y = y + c.in(2);
  const std::string activation = c.text("activation", "none");
  require(activation == "none" || activation == "silu" || activation == "swish",
          "its activation is '{}'", activation);
  if (activation != "none") y = silu(y);
  c.out(0, channels_first(y));
  if (c.wants(1)) c.out(1, slice_axis(joined, 2, length, length + kernel - 1));
}

constexpr OpRow kConvolutionRows[] = {
    {"Conv", conv},
    {"ConvTranspose", conv_transpose},
    {"CausalConvWithState", causal_conv_with_state},
};

}  // namespace

std::span<const OpRow> convolution_ops() {
  return kConvolutionRows;
}

}  // namespace brisk::onnx
