#include "brisk/nn/layers/pooling.h"

#include "brisk/nn/layers/image_input.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/window/window.h"

namespace brisk {
namespace {

WindowAttributes window_attributes(const Value& x, const std::vector<int64_t>& pool_size,
                                   const std::vector<int64_t>& strides, const std::string& padding) {
  require_image_input(x);
  require_two("pool_size", pool_size);
  const std::vector<int64_t>& steps = strides.empty() ? pool_size : strides;
  require_two("strides", steps);
  WindowAttributes attributes{pool_size, steps, {0, 0}, {0, 0}};
  if (is_same_padding(padding)) {
    ConvolutionAttributes same{steps, {0, 0}, {0, 0}, {1, 1}, 1};
    same_padding(spatial_sizes(x), pool_size, same);
    attributes.pad_low = same.pad_low;
    attributes.pad_high = same.pad_high;
  }
  return attributes;
}

}  // namespace

Value MaxPooling2D::build(LayerContext&, std::span<const Value> inputs) const {
  return max_pool(inputs[0], window_attributes(inputs[0], pool_size, strides, padding)).values;
}

Value AveragePooling2D::build(LayerContext&, std::span<const Value> inputs) const {
  return average_pool(inputs[0], {window_attributes(inputs[0], pool_size, strides, padding), false});
}

Value GlobalAveragePooling2D::build(LayerContext&, std::span<const Value> inputs) const {
  require_image_input(inputs[0]);
  return reduce_mean(inputs[0], {1, 2}, keepdims);
}

Value GlobalMaxPooling2D::build(LayerContext&, std::span<const Value> inputs) const {
  require_image_input(inputs[0]);
  return reduce_max(inputs[0], {1, 2}, keepdims);
}

}  // namespace brisk
