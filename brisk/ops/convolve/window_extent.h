#pragma once

/// How many places a sliding window takes along one axis: shared by convolution and pooling.

#include <string_view>

#include "brisk/base/shape.h"

namespace brisk {

struct SlidingWindow {
  int64_t size = 1, stride = 1, pad_low = 0, pad_high = 0, dilation = 1;
};

/// (extent + pad_low + pad_high - (size - 1) * dilation - 1) / stride + 1, rounded down. A named
/// extent passes where the window keeps it whatever its size (stride 1 and padding that makes up
/// for the window). Refused with `op` and `axis` (of the operand) where the window does not fit.
Extent window_extent(std::string_view op, int64_t axis, const Extent& extent,
                     const SlidingWindow& window);

}  // namespace brisk
