#pragma once

/// Interpolation along one axis as a table of weights: what Resize and Upsample share.

#include <optional>
#include <string>
#include <vector>

#include "brisk/ir/builder.h"

namespace brisk::onnx {

struct ResizeRules {
  std::string mode = "nearest";            ///< nearest, linear, cubic
  std::string coordinates = "half_pixel";  ///< coordinate_transformation_mode
  std::string nearest = "round_prefer_floor";
  double cubic_a = -0.75;
  bool exclude_outside = false, antialias = false;
  double extrapolation = 0;
};

struct AxisResize {
  int64_t in = 0, out = 0;
  double scale = 1;
  double roi_start = 0, roi_end = 1;
};

/// `x` resized along `axis`; floating, or of any type for nearest.
Value resize_axis(Value x, int64_t axis, const AxisResize& size, const ResizeRules& rules);

}  // namespace brisk::onnx
