#pragma once

/// Resampling along one axis, as images are resized: each new element is a weighted sum of old
/// ones, with pixel centres at i + 0.5 (half-pixel centres, as TensorFlow 2 and JAX resize).

#include <string>

#include "brisk/ir/builder.h"

namespace brisk {

enum class Interpolation { nearest, bilinear, bicubic, lanczos3, lanczos5 };
/// Refused with the known names.
Interpolation interpolation_from_keras(const std::string& name);

/// `x` with `axis` resampled to `size` elements. `antialias` widens the filter where the axis gets
/// shorter.
Value resample(Value x, int64_t axis, int64_t size, Interpolation interpolation,
               bool antialias = false);

}  // namespace brisk
