#pragma once

/// Preprocessing and augmentation of images, under the names that Keras's layers have. Each is a
/// map for Dataset::map; the random ones draw from the example's key alone, so a picture's
/// augmentation depends on (seed, epoch, index) and on nothing else. Sizes are in pixels.

#include <array>
#include <vector>

#include "brisk/data/image_map.h"

namespace brisk {

/// image * scale + offset, as f32 (keras.layers.Rescaling).
ImageMap rescale(float scale, float offset = 0);

/// (image - mean) / std by channel, as f32, in the image's own unit: for u8 images, means of
/// 0..255. One number stands for all channels.
ImageMap normalize(std::vector<float> mean, std::vector<float> std);

/// Mirrors every other image (keras.layers.RandomFlip("horizontal")).
ImageMap random_flip_horizontal();

/// A part of [height, width] at a random place, after `padding` zero pixels were put around the
/// image.
ImageMap random_crop(int64_t height, int64_t width, int64_t padding = 0);

/// The middle [height, width]; refused when the image is smaller.
ImageMap center_crop(int64_t height, int64_t width);

/// A random part whose area is a share of the image in `scale` and whose width / height lies in
/// `ratio` (drawn evenly in its logarithm), resized to [height, width]; the largest fitting middle
/// where ten draws do not fit. What ImageNet models are trained with since Szegedy et al., "Going
/// Deeper with Convolutions", 2014.
ImageMap random_resized_crop(int64_t height, int64_t width,
                             std::array<double, 2> scale = {0.08, 1.0},
                             std::array<double, 2> ratio = {3.0 / 4.0, 4.0 / 3.0},
                             bool antialias = false);

/// Bilinear, see resize_image.h; takes u8 and f32 (keras.layers.Resizing).
ImageMap resize(int64_t height, int64_t width, bool antialias = false);

/// Resizes so that the shorter side becomes `size` and the longer keeps the proportion.
ImageMap resize_shorter_side(int64_t size, bool antialias = false);

/// One after another.
ImageMap compose(const std::vector<ImageMap>& maps);

}  // namespace brisk
