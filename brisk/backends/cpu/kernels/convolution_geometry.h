#pragma once

/// The numbers of a convolution that its inner loops go by, channels last.

#include <cstdint>

namespace brisk::cpu {

/// Two spatial axes; one spatial axis is taken as a height of 1.
struct ConvolutionGeometry {
  int64_t batch = 0, channels = 0, filters = 0, groups = 1;
  int64_t height = 0, width = 0;  ///< of the input
  int64_t kernel_height = 0, kernel_width = 0;
  int64_t result_height = 0, result_width = 0;
  int64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
  int64_t pad_y = 0, pad_x = 0;  ///< before the first row and column; may be negative
};

}  // namespace brisk::cpu
