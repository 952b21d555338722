#pragma once

// The loops of i32_loops.h, compiled once for each instruction set. A block of sums of one
// place of the result stays in registers or the first-level cache while the window goes by.

#include "brisk/backends/cpu/kernels/i32/i32_loops.h"
#include "brisk/backends/cpu/kernels/lanes.h"

namespace brisk::cpu {
namespace {

constexpr int kBlock = 4 * kLanes;

/// Calls body(x, w) for each place of a window inside the input: its first channel's offset in the
/// image, and the offset of its filter.
template <typename F>
BRISK_INLINE void for_each_place(const I32Shape& s, int64_t y, int64_t x, F&& body) {
  const int64_t channels = s.groups * s.group_channels;
  const int64_t filter_pitch = s.group_channels * s.groups * s.group_filters;
  for (int64_t ky = 0; ky < s.kernel_height; ++ky) {
    const int64_t from_y = y * s.stride_y - s.pad_y + ky * s.dilation_y;
    if (from_y < 0 || from_y >= s.height) continue;
    for (int64_t kx = 0; kx < s.kernel_width; ++kx) {
      const int64_t from_x = x * s.stride_x - s.pad_x + kx * s.dilation_x;
      if (from_x < 0 || from_x >= s.width) continue;
      body((from_y * s.width + from_x) * channels, (ky * s.kernel_width + kx) * filter_pitch);
    }
  }
}

/// `count` sums of one place, kBlock where it is `Whole`. Unsigned: sums wrap.
template <bool Whole>
BRISK_INLINE void filters_of_group(const I32Shape& s, const uint32_t* image, const uint32_t* filter,
                                   int64_t y, int64_t x, int64_t count, uint32_t* result) {
  const int64_t pitch = s.groups * s.group_filters, n = Whole ? kBlock : count;
  uint32_t sums[kBlock] = {};
  for_each_place(s, y, x, [&](int64_t from, int64_t weights) {
    const uint32_t* w = filter + weights;
    for (int64_t c = 0; c < s.group_channels; ++c, w += pitch) {
      const uint32_t value = image[from + c];
      for (int64_t f = 0; f < n; ++f) sums[f] += value * w[f];
    }
  });
  for (int64_t f = 0; f < n; ++f) result[f] = sums[f];
}

/// Channels [first, first + count) of one place, each with one filter.
template <bool Whole>
BRISK_INLINE void single_channels(const I32Shape& s, const uint32_t* image, const uint32_t* filter,
                                  int64_t y, int64_t x, int64_t count, uint32_t* result) {
  const int64_t n = Whole ? kBlock : count;
  uint32_t sums[kBlock] = {};
  for_each_place(s, y, x, [&](int64_t from, int64_t weights) {
    for (int64_t c = 0; c < n; ++c) sums[c] += image[from + c] * filter[weights + c];
  });
  for (int64_t c = 0; c < n; ++c) result[c] = sums[c];
}

void i32_rows(const I32Shape& s, const int32_t* input, const int32_t* weights, int64_t begin,
              int64_t end, int32_t* sums) {
  const int64_t filters = s.groups * s.group_filters, channels = s.groups * s.group_channels;
  const bool is_single = s.group_channels == 1 && s.group_filters == 1;
  const auto* filter = reinterpret_cast<const uint32_t*>(weights);
  for (int64_t row = begin; row < end; ++row) {
    const auto* image = reinterpret_cast<const uint32_t*>(input) +
                        row / s.result_height * s.height * s.width * channels;
    const int64_t y = row % s.result_height;
    for (int64_t x = 0; x < s.result_width; ++x) {
      auto* result = reinterpret_cast<uint32_t*>(sums) + (row * s.result_width + x) * filters;
      if (is_single) {
        int64_t c = 0;
        for (; c + kBlock <= channels; c += kBlock)
          single_channels<true>(s, image + c, filter + c, y, x, kBlock, result + c);
        if (c < channels)
          single_channels<false>(s, image + c, filter + c, y, x, channels - c, result + c);
        continue;
      }
      for (int64_t group = 0; group < s.groups; ++group) {
        const uint32_t* from = image + group * s.group_channels;
        const int64_t first = group * s.group_filters, last = first + s.group_filters;
        int64_t f = first;
        for (; f + kBlock <= last; f += kBlock)
          filters_of_group<true>(s, from, filter + f, y, x, kBlock, result + f);
        if (f < last) filters_of_group<false>(s, from, filter + f, y, x, last - f, result + f);
      }
    }
  }
}

}  // namespace
}  // namespace brisk::cpu
