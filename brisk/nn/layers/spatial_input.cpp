#include "brisk/nn/layers/spatial_input.h"

#include <fmt/ranges.h>

#include <numeric>

#include "brisk/base/error.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

bool is_channels_first(const std::string& data_format) {
  require(data_format.empty() || data_format == "channels_last" || data_format == "channels_first",
          "data_format must be 'channels_last' or 'channels_first', but is '{}'", data_format);
  return data_format == "channels_first";
}

}  // namespace

Value to_channels_last(Value x, int64_t spatial_rank, const std::string& data_format) {
  const bool first = is_channels_first(data_format);
  require(x.rank() == spatial_rank + 2, "the input must be [{}] with {} spatial axes, but is {}",
          first ? "batch, channels, spatial..." : "batch, spatial..., channels", spatial_rank,
          x.type().to_string());
  if (!first) return x;
  std::vector<int64_t> order(static_cast<size_t>(x.rank()));
  std::iota(order.begin(), order.end(), 0);
  order.erase(order.begin() + 1);
  order.push_back(1);
  return transpose(x, order);
}

Value from_channels_last(Value y, const std::string& data_format) {
  if (!is_channels_first(data_format)) return y;
  std::vector<int64_t> order(static_cast<size_t>(y.rank()));
  std::iota(order.begin(), order.end(), 0);
  order.insert(order.begin() + 1, y.rank() - 1);
  order.pop_back();
  return transpose(y, order);
}

void require_positive(std::string_view argument, const std::vector<int64_t>& values,
                      int64_t count) {
  bool fits = std::ssize(values) == count;
  for (const int64_t value : values) fits = fits && value > 0;
  require(fits, "{} must be {} positive numbers, but is [{}]", argument, count,
          fmt::join(values, ", "));
}

bool is_same_padding(const std::string& padding) {
  require(padding == "same" || padding == "valid", "padding must be 'valid' or 'same', but is '{}'",
          padding);
  return padding == "same";
}

void set_same_padding(Value x, const std::vector<int64_t>& window,
                      ConvolutionAttributes& attributes) {
  std::vector<int64_t> sizes;
  for (int64_t axis = 1; axis + 1 < x.rank(); ++axis) {
    const Extent& extent = x.shape()[axis];
    const int64_t stride = attributes.strides[static_cast<size_t>(axis - 1)];
    require(
        !extent.is_named() || stride == 1,
        "padding 'same' with stride {} needs the size of the dimension '{}': give it one on import",
        stride, extent.to_string());
    sizes.push_back(
        extent.is_named() ? 1 : extent.size());  // any size gives the same edges at stride 1
  }
  same_padding(sizes, window, attributes);
}

int64_t channels_of(Value x) {
  const Extent& channels = x.shape()[x.rank() - 1];
  require(!channels.is_named(), "the number of channels must be known, but the input is {}",
          x.type().to_string());
  return channels.size();
}

ConvolutionAttributes convolution_window(Value x, const std::vector<int64_t>& kernel_size,
                                         const std::vector<int64_t>& strides,
                                         const std::string& padding,
                                         const std::vector<int64_t>& dilation_rate) {
  const int64_t rank = x.rank() - 2;
  require_positive("kernel_size", kernel_size, rank);
  require_positive("strides", strides, rank);
  require_positive("dilation_rate", dilation_rate, rank);
  const std::vector<int64_t> none(static_cast<size_t>(rank), 0);
  ConvolutionAttributes attributes{strides, none, none, dilation_rate, 1};
  if (padding == "causal" && rank == 1)
    attributes.pad_low[0] = (kernel_size[0] - 1) * dilation_rate[0];
  else if (is_same_padding(padding))
    set_same_padding(x, kernel_size, attributes);
  return attributes;
}

Shape kernel_shape(const std::vector<int64_t>& kernel_size, int64_t in, int64_t out) {
  Shape shape(kernel_size);
  shape.push_back(Extent(in));
  shape.push_back(Extent(out));
  return shape;
}

}  // namespace brisk
