#pragma once

/// The inner loops of convolutions of i32, channels last, vectorised over a group's filters, or
/// over channels where each has one filter. One set per instruction set.

#include <cstdint>

#include "brisk/backends/cpu/kernels/convolution_geometry.h"
#include "brisk/backends/cpu/kernels/kernel_isa.h"

namespace brisk::cpu {

struct I32Shape : ConvolutionGeometry {
  int64_t group_channels = 0, group_filters = 0;
};

/// Rows [begin, end) of the result, counted over the whole batch. Filter: [kernel, group_channels,
/// groups * group_filters]; bias: [groups * group_filters], or null.
using I32Loops = void (*)(const I32Shape& s, const int32_t* input, const int32_t* filter,
                          const int32_t* bias, int64_t begin, int64_t end, int32_t* result);

}  // namespace brisk::cpu
