#include "brisk/nn/layers/image_preprocessing.h"

#include <algorithm>

#include "brisk/nn/floating.h"
#include "brisk/nn/layers/resample.h"
#include "brisk/nn/layers/spatial_input.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

/// The part of `height` x `width` in the middle of [batch, height, width, channels].
Value middle(Value x, int64_t height, int64_t width) {
  const int64_t top = (x.shape().size(1) - height) / 2, left = (x.shape().size(2) - width) / 2;
  return slice_axis(slice_axis(x, 1, top, top + height), 2, left, left + width);
}

Value resize(Value x, int64_t height, int64_t width, Interpolation interpolation, bool antialias) {
  return resample(resample(x, 1, height, interpolation, antialias), 2, width, interpolation,
                  antialias);
}

}  // namespace

Value Resizing::build(LayerContext& context, std::span<const Value> inputs) const {
  Value x = as_float(to_channels_last(inputs[0], 2, data_format));
  require(height > 0 && width > 0, "height {} and width {} must be positive", height, width);
  const int64_t old_height = x.shape().size(1), old_width = x.shape().size(2);
  // The largest part, or the smallest frame, of the asked proportions.
  const int64_t fit_height = old_width * height / width, fit_width = old_height * width / height;
  if (crop_to_aspect_ratio) {
    x = middle(x, std::max<int64_t>(1, std::min(old_height, fit_height)),
               std::max<int64_t>(1, std::min(old_width, fit_width)));
  } else if (pad_to_aspect_ratio) {
    require(fill_mode == "constant", "fill_mode must be constant, but is '{}'", fill_mode);
    const int64_t rows = std::max(old_height, fit_height) - old_height,
                  columns = std::max(old_width, fit_width) - old_width;
    x = pad(x, context.builder().scalar(x.dtype(), fill_value), {0, rows / 2, columns / 2, 0},
            {0, rows - rows / 2, columns - columns / 2, 0});
  }
  return from_channels_last(
      resize(x, height, width, interpolation_from_keras(interpolation), antialias), data_format);
}

Value CenterCrop::build(LayerContext&, std::span<const Value> inputs) const {
  Value x = as_float(to_channels_last(inputs[0], 2, data_format));
  require(height > 0 && width > 0, "height {} and width {} must be positive", height, width);
  const int64_t old_height = x.shape().size(1), old_width = x.shape().size(2);
  if (old_height < height || old_width < width) {
    x = middle(x, std::min(old_height, old_width * height / width),
               std::min(old_width, old_height * width / height));
    x = resize(x, height, width, Interpolation::bilinear, false);
  }
  return from_channels_last(middle(x, height, width), data_format);
}

Value RandomCrop::build(LayerContext& context, std::span<const Value> inputs) const {
  return Resizing{
      .height = height, .width = width, .crop_to_aspect_ratio = true, .data_format = data_format}
      .build(context, inputs);
}

}  // namespace brisk
