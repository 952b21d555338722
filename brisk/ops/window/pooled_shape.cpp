#include "brisk/ops/window/pooled_shape.h"

#include "brisk/base/error.h"
#include "brisk/ops/convolve/window_extent.h"

namespace brisk {

Shape pooled_shape(std::string_view op, const Shape& input, const WindowAttributes& attributes) {
  const int64_t rank = input.rank();
  require(rank >= 3, "[{}] the input needs a batch, spatial and a channel axis, but is {}", op,
          input.to_string());
  const auto num_spatial = static_cast<size_t>(rank - 2);
  for (const auto& [what, values] :
       {std::pair<std::string_view, const std::vector<int64_t>&>{"window", attributes.window},
        {"strides", attributes.strides},
        {"pad_low", attributes.pad_low},
        {"pad_high", attributes.pad_high}})
    require(values.size() == num_spatial, "[{}] {} has {} entries for {} spatial axes", op, what,
            values.size(), num_spatial);
  Shape shape = input;
  for (size_t i = 0; i < num_spatial; ++i) {
    const auto axis = static_cast<int64_t>(i) + 1;
    shape[axis] = window_extent(op, axis, input[axis],
                                {.size = attributes.window[i],
                                 .stride = attributes.strides[i],
                                 .pad_low = attributes.pad_low[i],
                                 .pad_high = attributes.pad_high[i]});
  }
  return shape;
}

void require_pooled(std::string_view op, const Shape& given, const Shape& input,
                    const WindowAttributes& attributes) {
  const Shape expected = pooled_shape(op, input, attributes);
  require(given == expected, "[{}] pooling {} gives {}, but an operand is {}", op,
          input.to_string(), expected.to_string(), given.to_string());
}

void require_positions(std::string_view op, const TensorType& positions,
                       const WindowAttributes& attributes) {
  const int64_t places = checked_product(attributes.window);
  require(places <= 256, "[{}] a window of {} places is larger than 256", op, places);
  require(positions.dtype == DType::u8, "[{}] positions are u8, but {} is given", op,
          name(positions.dtype));
}

bool windows_reach_input(const WindowGradientAttributes& attributes) {
  const WindowAttributes& pool = attributes.window;
  for (size_t i = 0; i < pool.window.size(); ++i)
    if (pool.pad_low[i] >= pool.window[i] || pool.pad_high[i] >= pool.window[i] ||
        attributes.shape[static_cast<int64_t>(i) + 1] == Extent(0))
      return false;
  return true;
}

}  // namespace brisk
