#pragma once

/// The inner loops of convolutions of i32, channels last, vectorised over a group's filters, or
/// over channels where each has one filter. One set per instruction set.

#include <cstdint>

#include "brisk/backends/cpu/kernels/kernel_isa.h"

namespace brisk::cpu {

struct I32Shape {
  int64_t height, width;  ///< of the input
  int64_t result_height, result_width;
  int64_t kernel_height, kernel_width, stride_y, stride_x, dilation_y, dilation_x;
  int64_t pad_y, pad_x;  ///< before the first row and column; may be negative
  int64_t groups, group_channels, group_filters;
};

/// Rows [begin, end) of the result, counted over the whole batch. Filter: [kernel, group_channels,
/// groups * group_filters]; bias: [groups * group_filters], or null.
using I32Loops = void (*)(const I32Shape& s, const int32_t* input, const int32_t* filter,
                          const int32_t* bias, int64_t begin, int64_t end, int32_t* result);

}  // namespace brisk::cpu
