#pragma once

/// Bilinear resizing of (a part of) an image.

#include <cstddef>
#include <cstdint>

#include "brisk/data/image_map.h"

namespace brisk {

/// A rectangle of pixels.
struct ImageBox {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;
};

/// Resizes the pixels in `box` to [height, width] as tf.image.resize(method="bilinear") does:
/// centres at half pixels; with `antialias`, the triangle widens with the shrinking factor so that
/// every source pixel counts. Takes u8 (rounded to nearest) and f32; `result` has the input's type
/// and channels. The box lies within the image; no size is zero.
void resize_image(const ImageSpec& input, const std::byte* image, const ImageBox& box,
                  int64_t height, int64_t width, bool antialias, std::byte* result);

}  // namespace brisk
