#include "brisk/ops/convolve/convolution_shape.h"

#include <algorithm>

#include "brisk/base/error.h"
#include "brisk/ops/convolve/window_extent.h"

namespace brisk {

Shape convolution_shape(std::string_view op, const Shape& input, const Shape& filter,
                        const ConvolutionAttributes& attributes) {
  const int64_t rank = input.rank();
  require(rank >= 3, "[{}] the input needs a batch, spatial and a channel axis, but is {}", op,
          input.to_string());
  require(filter.rank() == rank, "[{}] an input {} needs a filter of rank {}, not {}", op,
          input.to_string(), rank, filter.to_string());
  const auto num_spatial = static_cast<size_t>(rank - 2);
  for (const auto& [what, values] :
       {std::pair<std::string_view, const std::vector<int64_t>&>{"strides", attributes.strides},
        {"pad_low", attributes.pad_low},
        {"pad_high", attributes.pad_high},
        {"dilations", attributes.dilations}})
    require(values.size() == num_spatial, "[{}] {} has {} entries for {} spatial axes", op, what,
            values.size(), num_spatial);

  const int64_t channels = input.size(rank - 1);
  const int64_t filters = filter.size(rank - 1);
  const int64_t groups = attributes.groups;
  require(groups >= 1, "[{}] groups is {}, but must be at least 1", op, groups);
  require(channels % groups == 0, "[{}] {} channels do not divide into {} groups", op, channels,
          groups);
  require(filters % groups == 0, "[{}] {} filters do not divide into {} groups", op, filters,
          groups);
  require(filter.size(rank - 2) == channels / groups,
          "[{}] the filter {} takes {} channels in {} groups, but the input {} has {}", op,
          filter.to_string(), filter.size(rank - 2), groups, input.to_string(), channels);

  Shape shape{input[0]};
  for (size_t i = 0; i < num_spatial; ++i) {
    const auto axis = static_cast<int64_t>(i) + 1;
    shape.push_back(window_extent(op, axis, input[axis],
                                  {.size = filter.size(axis - 1),
                                   .stride = attributes.strides[i],
                                   .pad_low = attributes.pad_low[i],
                                   .pad_high = attributes.pad_high[i],
                                   .dilation = attributes.dilations[i]}));
  }
  shape.push_back(filters);
  return shape;
}

DType convolution_dtype(std::string_view op, const Type& a, const Type& b) {
  require(a.dtype() == b.dtype() && a.dtype() != DType::boolean,
          "[{}] operands must be of one numeric type, but are {} and {}", op, name(a.dtype()),
          name(b.dtype()));
  return a.dtype();
}

bool all_are(std::span<const int64_t> values, int64_t value) {
  return std::ranges::all_of(values, [value](int64_t each) { return each == value; });
}

bool is_pointwise_with_strides(const ConvolutionAttributes& attributes, const Shape& filter) {
  for (int64_t axis = 0; axis + 2 < filter.rank(); ++axis)
    if (filter.size(axis) != 1) return false;
  return attributes.groups == 1 && all_are(attributes.pad_low, 0) &&
         all_are(attributes.pad_high, 0);
}

bool is_pointwise(const ConvolutionAttributes& attributes, const Shape& filter) {
  return is_pointwise_with_strides(attributes, filter) && all_are(attributes.strides, 1);
}

}  // namespace brisk
